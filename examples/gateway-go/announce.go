package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// An announcer stores one message after the other, each repeated until the server has confirmed it: nobody reads of a
// session's end before its start. Its queue is bounded by the sessions that there may be.
type announcer struct {
	js     jetstream.JetStream
	mu     sync.Mutex
	queue  []*nats.Msg
	filled chan struct{}
}

func newAnnouncer(js jetstream.JetStream) *announcer {
	return &announcer{js: js, filled: make(chan struct{}, 1)}
}

func (a *announcer) announce(name string, about data, id string, why cause, ttl time.Duration) {
	ids := about.ids()
	subject, err := subjectOf(name, ids...)
	if err != nil {
		slog.Error("ids that no subject carries were let in", "error", err)
		return
	}
	payload, err := json.Marshal(about)
	if err != nil {
		slog.Error("a session cannot be told", "error", err)
		return
	}
	body, err := json.Marshal(event{
		"1.0", id, "dev.stance." + name + ".v1", "/stance/gateway", ids[len(ids)-1],
		time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "application/json", payload, why,
	})
	if err != nil {
		slog.Error("a session cannot be told", "error", err)
		return
	}
	m := nats.NewMsg(subject)
	m.Data = body
	m.Header.Set("Nats-Msg-Id", id)
	m.Header.Set("Content-Type", "application/cloudevents+json")
	m.Header.Set("Nats-TTL", fmt.Sprintf("%ds", int64(math.Ceil(ttl.Seconds()))))
	// The subject takes one message: a repeat is refused, and stored already.
	m.Header.Set("Nats-Expected-Last-Subject-Sequence", "0")
	if why.TraceParent != "" {
		m.Header.Set("traceparent", why.TraceParent)
	}
	a.mu.Lock()
	a.queue = append(a.queue, m)
	a.mu.Unlock()
	select {
	case a.filled <- struct{}{}:
	default:
	}
}

// run stores what is announced, until ctx ends.
func (a *announcer) run(ctx context.Context) {
	for {
		m := a.first()
		if m == nil {
			select {
			case <-a.filled:
				continue
			case <-ctx.Done():
				return
			}
		}
		for delay := 100 * time.Millisecond; ; delay = min(2*delay, 5*time.Second) {
			err := a.store(ctx, m)
			if err == nil {
				break
			}
			slog.Warn("not confirmed, trying again", "subject", m.Subject, "error", err)
			if !pause(ctx, delay) {
				return
			}
		}
		a.mu.Lock()
		a.queue = a.queue[1:]
		a.mu.Unlock()
	}
}

// waiting is how many messages the server has not confirmed yet.
func (a *announcer) waiting() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queue)
}

func (a *announcer) first() *nats.Msg {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.queue) == 0 {
		return nil
	}
	return a.queue[0]
}

func (a *announcer) store(ctx context.Context, m *nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := a.js.PublishMsg(ctx, m)
	var refused *jetstream.APIError
	if errors.As(err, &refused) && (refused.ErrorCode == 10071 || refused.ErrorCode == 10164) {
		return nil // Stored already.
	}
	return err
}
