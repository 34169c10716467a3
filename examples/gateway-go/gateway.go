package main

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// Messages about a session outlive it by this much, so that no reader misses them.
	afterlife   = time.Hour
	maxSessions = 10_000
	// Revocations kept whose session has not come yet: another replica started it, and the streams are read side by side.
	maxEarly        = 10_000
	othersTellFirst = time.Second
	// How long a live connection goes on when its decision is past its review time, or the engine silent.
	lapse = 10 * time.Second
)

var errFull = errors.New("too many sessions are open")

// A gateway answers from memory who may reach what, and ends sessions that lost their access. One lock for everything:
// between a verdict and the session that it opens, nothing may come.
type gateway struct {
	name     string
	lifetime time.Duration
	instance string
	outbox   *announcer

	mu          sync.Mutex
	decisions   map[string]*decision
	floors      floors
	engine      engineWatch
	sessions    register
	early       map[string]revocation
	decided     *follower
	revocations *follower
}

// A revocation is why a session ends.
type revocation struct {
	reasons []reason
	cause
}

func newGateway(name string, lifetime, maxSilence time.Duration, outbox *announcer) *gateway {
	return &gateway{
		name:      name,
		lifetime:  lifetime,
		instance:  newID(),
		outbox:    outbox,
		decisions: map[string]*decision{},
		floors:    floors{},
		engine:    engineWatch{maxSilence: maxSilence, maxBehind: 5 * time.Second},
		sessions:  newRegister(),
		early:     map[string]revocation{},
	}
}

// decide answers a request that is over at once: nothing of it could be cut, and it needs no session.
func (g *gateway) decide(device, resource string, who asker) verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	return g.verdict(device, resource, who, g.sessions.find(device, resource, who, now) != nil, now)
}

// enter lets a live connection in and binds it to a session, one that is open already if there is one.
func (g *gateway) enter(device, resource string, who asker, c *connection) (*session, verdict, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	s := g.sessions.find(device, resource, who, now)
	answer := g.verdict(device, resource, who, s != nil, now)
	if !answer.Allowed {
		return nil, answer, nil
	}
	if s == nil {
		if len(g.sessions.open) >= maxSessions || g.outbox.waiting() >= maxSessions {
			return nil, answer, errFull
		}
		s = newSession(newID(), device, resource, who, now, now.Add(g.lifetime))
		g.sessions.add(s)
		g.tell(sessionStarted, s, &sessionData{
			g.name, device, s.id, resource, who.user, timestamp{s.startedAt}, timestamp{s.expiresAt}, "cut", who.proof,
		}, cause{})
	}
	s.connections[c] = true
	return s, answer, nil
}

// leave: a connection is over. With its last one, a session ends.
func (g *gateway) leave(s *session, c *connection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(s.connections, c)
	if len(s.connections) == 0 && g.sessions.take(s.id, time.Now()) != nil {
		g.tellEnd(s, "closed", "cut", nil, cause{})
	}
}

// expire ends what reached its lifetime, and cuts what nothing has allowed for a while although nobody revoked it.
func (g *gateway) expire(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, s := range g.sessions.open {
		if len(s.connections) == 0 {
			continue
		}
		verdict := g.verdict(s.device, s.resource, s.asker, true, now)
		switch {
		case verdict.Allowed:
			s.lapsedAt = time.Time{}
		case s.lapsedAt.IsZero():
			s.lapsedAt = now
		case now.Sub(s.lapsedAt) >= lapse:
			go s.detach().cut(verdict.Reasons...)
		}
	}
	for _, s := range g.sessions.due(now) {
		go s.detach().cut(reason{"decision-expired", "The session reached the end of its lifetime."})
		g.tellEnd(s, "expired", "cut", nil, cause{})
	}
}

func (g *gateway) verdict(device, resource string, who asker, inSession bool, now time.Time) verdict {
	return verdictOf(situation{
		decision:  g.decisions[device],
		floor:     g.floors.get(device, resource),
		engine:    g.engine.state(now),
		inSession: inSession,
		now:       now,
	}, resource, who)
}

// onDecision takes in a device's new decision and ends the sessions that it denies.
func (g *gateway) onDecision(subject string, payload []byte, sequence uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var read decisionData
	e, err := openEvent(decisionChanged, subject, payload, &read)
	var new *decision
	if err == nil {
		new, err = decisionOf(&read, sequence)
	}
	device := read.DeviceID
	if err != nil {
		slog.Warn("a decision cannot be read", "subject", subject, "error", err)
		if device, _ = idAt(subject, 1); device == "" {
			return
		}
		new = &decision{sequence: sequence}
	}
	held := g.decisions[device]
	if held != nil && (sequence <= held.sequence || new.readable && !new.reach(held.revisions)) {
		return
	}
	if !new.readable {
		// It denies what is asked from now on; it is no order to cut. The revisions that were reached stay.
		if held != nil {
			new.revisions = held.revisions
		}
		g.decisions[device] = new
		return
	}
	g.decisions[device] = new
	g.floors.settle(device, new.revisions)
	for _, s := range g.sessions.ofDevice(device) {
		g.examine(s, e.cause)
	}
}

// examine ends a session that its device's decision denies.
func (g *gateway) examine(s *session, why cause) {
	d := g.decisions[s.device]
	if d == nil || !d.readable {
		return
	}
	if r := rulingOn(d, s.resource, s.asker); r.Effect == "deny" && r.isEnforced() {
		g.revoke(s.id, revocation{r.Reasons, why})
	}
}

func (g *gateway) onRevocation(subject string, payload []byte, _ uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var read revocationData
	e, err := openEvent(sessionRevoked, subject, payload, &read)
	if err != nil {
		// Only the engine writes there, and the subject names the session: it ends.
		slog.Warn("a revocation cannot be read", "subject", subject, "error", err)
		if id, ok := idAt(subject, 2); ok {
			g.revoke(id, revocation{[]reason{{"evaluation-error", "The revocation could not be read."}}, cause{}})
		}
		return
	}
	g.floors.raise(read.DeviceID, read.Resource, revisions{read.PostureRevision, read.PolicyRevision}, g.decisions[read.DeviceID])
	why := revocation{read.Reasons, e.cause}
	if _, isOver := g.sessions.over[read.SessionID]; !g.revoke(read.SessionID, why) && !isOver {
		g.keepEarly(read.SessionID, why)
	}
}

// revoke ends a session once; false where it is not open. `ended` says when the last connection was cut.
func (g *gateway) revoke(id string, why revocation) bool {
	s := g.sessions.take(id, time.Now())
	if s == nil {
		return false
	}
	live := s.detach()
	go func() {
		done, enforcement := live.cut(why.reasons...), "cut"
		if len(live) == 0 {
			// Nothing was cut here. A replica that had a connection tells first, and what is told first counts.
			enforcement = "next-request"
			time.Sleep(othersTellFirst)
		}
		g.tellEnd(s, "revoked", enforcement, &timestamp{done}, why.cause)
	}()
	return true
}

func (g *gateway) keepEarly(id string, why revocation) {
	for old := range g.early {
		if len(g.early) < maxEarly {
			break
		}
		delete(g.early, old)
	}
	g.early[id] = why
}

// onSession takes in what other replicas and earlier lives of this gateway told, and the echo of its own.
func (g *gateway) onSession(subject string, payload []byte, _ uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var started sessionData
	var ended endData
	if _, err := openEvent(sessionStarted, subject, payload, &started); err == nil {
		who := asker{started.User, started.Proof}
		s := newSession(started.SessionID, started.DeviceID, started.Resource, who, started.StartedAt.Time, started.ExpiresAt.Time)
		if !g.sessions.add(s) {
			return
		}
		if why, ok := g.early[s.id]; ok {
			delete(g.early, s.id)
			g.revoke(s.id, why)
		} else {
			g.examine(s, cause{})
		}
	} else if _, err := openEvent(sessionEnded, subject, payload, &ended); err == nil {
		// Another replica ended it: what this one carries of it is no session's any more.
		if s := g.sessions.take(ended.SessionID, time.Now()); s != nil {
			go s.detach().cut(reason{"awaiting-decision", "The session was ended by another replica."})
		}
	} else {
		slog.Warn("a session cannot be read", "subject", subject, "error", err)
	}
}

func (g *gateway) onReport(m *nats.Msg) {
	var read reportData
	if _, err := openEvent(engineReported, m.Subject, m.Data, &read); err != nil || m.Header.Get("Nats-Stream") != "" {
		slog.Warn("a report of the engine cannot be read", "error", err)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.engine.heard(read.DecidedUpTo, time.Now())
	if len(g.engine.awaited) > 0 {
		g.decided.look()
	}
}

func (g *gateway) onReached(sequence uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.engine.reached(sequence)
}

// onReplaced: the decisions came from a stream that is no more.
func (g *gateway) onReplaced() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.decisions)
	clear(g.floors)
	g.engine.startOver()
	// What revocations ask of decisions was cleared with them.
	g.revocations.reload()
}

func (g *gateway) tellEnd(s *session, why, enforcement string, enforcedAt *timestamp, because cause) {
	endedAt := timestamp{time.Now()}
	if enforcedAt != nil {
		endedAt = *enforcedAt
	}
	g.tell(sessionEnded, s, &endData{g.name, s.device, s.id, s.resource, why, endedAt, enforcedAt, enforcement}, because)
}

func (g *gateway) tell(name string, s *session, about data, why cause) {
	id := fmt.Sprintf("gateway:%s:%s:%s", g.instance, name[len("session."):], s.id)
	g.outbox.announce(name, about, id, why, s.expiresAt.Sub(s.startedAt)+afterlife)
}
