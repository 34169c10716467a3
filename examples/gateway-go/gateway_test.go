package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// played is a gateway that trusts its engine, with what it would publish.
func played(t *testing.T) *gateway {
	g := newGateway("edge", time.Hour, time.Hour, newAnnouncer(nil))
	g.decided, g.revocations = newFollower(nil, nil, "", ""), newFollower(nil, nil, "", "")
	report := `{"type":"dev.stance.engine.reported.v1","subject":"edge","data":{"gateway":"edge","decidedUpTo":0}}`
	g.onReport(&nats.Msg{Subject: "stance.engine.reported.v1.edge", Data: []byte(report)})
	return g
}

func (g *gateway) isTold(device, effect string, posture int, sequence uint64) {
	g.onDecision("stance.decision.changed.v1.edge."+device, []byte(fmt.Sprintf(
		`{"type":"dev.stance.decision.changed.v1","subject":%q,"txn":"t1","data":{"gateway":"edge","deviceId":%q,
		"resources":{"wiki":{"effect":%q,"enforced":true,"reasons":[]}},"postureRevision":%d,"policyRevision":1,"reviewAt":null}}`,
		device, device, effect, posture)), sequence)
}

func conn() *connection {
	c := &connection{nil, make(chan []reason, 1), make(chan struct{})}
	go func() {
		<-c.stop
		close(c.done)
	}()
	return c
}

// published waits for so many messages and gives the event of the last.
func (g *gateway) published(t *testing.T, count int) (event, *nats.Msg) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); g.outbox.waiting() < count; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d messages, not %d", g.outbox.waiting(), count)
		}
	}
	m := g.outbox.queue[count-1]
	var e event
	if err := json.Unmarshal(m.Data, &e); err != nil {
		t.Fatal(err)
	}
	return e, m
}

func TestASessionFromItsStartToItsRevocation(t *testing.T) {
	g := played(t)
	g.isTold("d1", "allow", 1, 1)
	s, _, err := g.enter("d1", "wiki", asker{proof: "certificate"}, conn())
	if err != nil || s == nil {
		t.Fatal("it is let in")
	}
	if again, _, _ := g.enter("d1", "wiki", asker{proof: "certificate"}, conn()); again != s {
		t.Error("a second connection is of the same session")
	}
	started, m := g.published(t, 1)
	if m.Header.Get("Nats-TTL") != "7200s" || m.Header.Get("Nats-Msg-Id") != started.ID || m.Header.Get("Nats-Expected-Last-Subject-Sequence") != "0" {
		t.Errorf("%v", m.Header)
	}
	g.isTold("d1", "deny", 2, 2)
	ended, _ := g.published(t, 2)
	if !strings.Contains(string(ended.Data), `"cause":"revoked"`) || !strings.Contains(string(ended.Data), "enforcedAt") || ended.Txn != "t1" {
		t.Errorf("%s %s", ended.Txn, ended.Data)
	}
	g.revoke(s.id, revocation{})
	if g.outbox.waiting() != 2 {
		t.Error("a session ends once")
	}
}

func TestWhatIsOlderReplacesNothing(t *testing.T) {
	g := played(t)
	g.isTold("d1", "deny", 2, 5)
	g.isTold("d1", "allow", 1, 6)
	g.isTold("d1", "allow", 2, 4)
	if g.decide("d1", "wiki", asker{}).Allowed {
		t.Error("neither an older posture nor an earlier message counts")
	}
	g.isTold("d1", "allow", 3, 7)
	if !g.decide("d1", "wiki", asker{}).Allowed {
		t.Error("a newer one does")
	}
}

func TestADecisionThatCannotBeReadDeniesAndCutsNothing(t *testing.T) {
	g := played(t)
	g.isTold("d1", "allow", 1, 1)
	g.enter("d1", "wiki", asker{}, conn())
	g.onDecision("stance.decision.changed.v1.edge.d1", []byte("{"), 2)
	if g.decide("d1", "wiki", asker{}).Allowed || len(g.sessions.open) != 1 {
		t.Error("it denies what is asked from now on, and is no order to cut")
	}
}

func TestARevocationThatComesBeforeItsSession(t *testing.T) {
	g := played(t)
	data := `"data":{"gateway":"edge","deviceId":"d1","sessionId":"s1","resource":"wiki","postureRevision":2,"policyRevision":1,
		"startedAt":"2026-03-01T09:00:00.000Z","expiresAt":"2126-03-01T09:00:00.000Z"}}`
	g.onRevocation("stance.session.revoked.v1.edge.d1.s1", []byte(`{"type":"dev.stance.session.revoked.v1","subject":"s1",`+data), 1)
	g.onSession("stance.session.started.v1.edge.d1.s1", []byte(`{"type":"dev.stance.session.started.v1","subject":"s1",`+data), 1)
	ended, _ := g.published(t, 1)
	if !strings.Contains(string(ended.Data), "next-request") {
		t.Errorf("nothing was cut here: %s", ended.Data)
	}
}

func TestAConnectionIsCutWhenNothingHasAllowedItForAWhile(t *testing.T) {
	g := played(t)
	g.isTold("d1", "allow", 1, 1)
	c := conn()
	g.enter("d1", "wiki", asker{}, c)
	g.sessions.find("d1", "wiki", asker{}, time.Now()).expiresAt = time.Now().Add(9 * time.Hour)
	silentSince := time.Now().Add(2 * time.Hour)
	g.expire(silentSince)
	g.expire(silentSince.Add(lapse - time.Second))
	select {
	case <-c.done:
		t.Fatal("it goes on for a while")
	default:
	}
	g.expire(silentSince.Add(lapse))
	select {
	case <-c.done:
	case <-time.After(5 * time.Second):
		t.Error("nothing allows it")
	}
}
