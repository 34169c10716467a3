package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	lookEvery  = time.Second
	lookSoon   = 20 * time.Millisecond
	stuckAfter = 10 * time.Second
)

// A follower reads a stream's last message per subject, then what comes: through lost links and consumers, and streams that
// are recreated or set back under it.
type follower struct {
	nc         *nats.Conn
	js         jetstream.JetStream
	stream     string
	filter     string
	onMessage  func(subject string, payload []byte, sequence uint64)
	onReached  func(sequence uint64)
	onReplaced func()

	// Closed when everything stored was read for the first time.
	loadedOnce chan struct{}
	wake       chan struct{}

	mu       sync.Mutex
	created  time.Time
	seen     place
	mark     place
	isLoaded bool
	restart  bool
	once     sync.Once
}

// A place is a message by which a reader knows that the stream is still the one that it has read.
type place struct {
	sequence uint64
	storedAt time.Time
}

func (p place) isAnother(q place) bool { return p.storedAt.Sub(q.storedAt).Abs() > time.Millisecond }

var errReplaced = errors.New("the stream was recreated or set back")

func newFollower(nc *nats.Conn, js jetstream.JetStream, stream, filter string) *follower {
	return &follower{
		nc: nc, js: js, stream: stream, filter: filter,
		onReached: func(uint64) {}, onReplaced: func() {},
		loadedOnce: make(chan struct{}), wake: make(chan struct{}, 1),
	}
}

// run reads until ctx ends.
func (f *follower) run(ctx context.Context) {
	for ctx.Err() == nil {
		err := f.readOnce(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		slog.Warn("a stream is read from its start", "stream", f.stream, "error", err)
		if errors.Is(err, errReplaced) {
			f.onReplaced()
		} else {
			pause(ctx, lookEvery)
		}
	}
}

// look asks the stream's leader at once, instead of after a while.
func (f *follower) look() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// reload reads the stream from its start again.
func (f *follower) reload() {
	f.mu.Lock()
	f.restart = true
	f.mu.Unlock()
	f.look()
}

// lost: what comes after the link is back has to be the same stream as up to here.
func (f *follower) lost() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mark.sequence == 0 {
		f.mark = f.seen
	}
}

func (f *follower) loaded() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.isLoaded
}

func (f *follower) readOnce(ctx context.Context) error {
	info, err := f.info(ctx)
	if err != nil {
		return err
	}
	f.mu.Lock()
	replaced := !f.created.IsZero() && !f.created.Equal(info.Created)
	f.created, f.seen, f.isLoaded, f.restart = info.Created, place{}, false, false
	f.mu.Unlock()
	if replaced {
		return errReplaced
	}
	consumer, err := f.js.OrderedConsumer(ctx, f.stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{f.filter},
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
	})
	if err != nil {
		return err
	}
	var over atomic.Bool
	defer over.Store(true)
	take := func(m jetstream.Msg) {
		if !over.Load() {
			f.take(m)
		}
	}
	consuming, err := consumer.Consume(take, jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(2500*time.Millisecond),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			slog.Debug("a consumer heals", "stream", f.stream, "error", err)
		}))
	if err != nil {
		return err
	}
	defer consuming.Stop()
	return f.supervise(ctx)
}

func (f *follower) take(m jetstream.Msg) {
	meta, err := m.Metadata()
	if err != nil {
		slog.Warn("a message without a place in its stream", "error", err)
		return
	}
	f.mu.Lock()
	f.seen = place{meta.Sequence.Stream, meta.Timestamp}
	f.mu.Unlock()
	if m.Headers().Get("Nats-Stream") != "" {
		slog.Warn("a message came by way of another stream", "subject", m.Subject())
		return
	}
	f.onMessage(m.Subject(), m.Data(), meta.Sequence.Stream)
	// While loading, more of what was stored before may still come.
	if f.loaded() {
		f.onReached(meta.Sequence.Stream)
	}
}

// supervise compares what was read with what the stream's leader holds, until reading has to start anew.
func (f *follower) supervise(ctx context.Context) error {
	doubts := 0
	progress, moved := uint64(0), time.Now()
	for {
		reached, err := f.compare(ctx)
		f.mu.Lock()
		restart, seen := f.restart, f.seen.sequence
		f.mu.Unlock()
		switch {
		case ctx.Err() != nil || restart:
			return ctx.Err()
		case errors.Is(err, errReplaced):
			// A leader just elected may lag for a moment: it has to say so twice.
			if doubts++; doubts > 1 {
				f.mu.Lock()
				f.created, f.mark = time.Time{}, place{}
				f.mu.Unlock()
				return err
			}
		case err != nil: // Nobody answers: what was read still counts.
			moved = time.Now()
		case reached || seen != progress:
			doubts, progress, moved = 0, seen, time.Now()
		case time.Since(moved) > stuckAfter:
			return fmt.Errorf("nothing came for %s although there is more", stuckAfter)
		}
		wait := lookEvery
		if err == nil && !reached {
			wait = lookSoon
		}
		select {
		case <-f.wake:
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// compare says whether everything of the filter was read that the stream held a moment ago.
func (f *follower) compare(ctx context.Context) (bool, error) {
	f.mu.Lock()
	seen, mark, created := f.seen, f.mark, f.created
	f.mu.Unlock()
	info, err := f.info(ctx)
	if err != nil {
		return false, err
	}
	last, err := f.message(map[string]any{"last_by_subj": f.filter})
	if err != nil {
		return false, err
	}
	if mark.sequence > 0 {
		marked, err := f.message(map[string]any{"seq": mark.sequence})
		if err != nil {
			return false, err
		}
		if marked.sequence > 0 && marked.isAnother(mark) {
			return false, errReplaced
		}
	}
	isSetBack := seen.sequence > info.State.LastSeq || last.sequence == seen.sequence && last.isAnother(seen)
	if !info.Created.Equal(created) || isSetBack {
		return false, errReplaced
	}
	f.mu.Lock()
	if f.mark == mark {
		f.mark = place{}
	}
	reached := f.seen.sequence >= last.sequence
	isFirst := reached && !f.isLoaded
	f.isLoaded = f.isLoaded || reached
	f.mu.Unlock()
	if isFirst {
		f.once.Do(func() { close(f.loadedOnce) })
	}
	if reached {
		f.onReached(info.State.LastSeq)
	}
	return reached, nil
}

func (f *follower) info(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	stream, err := f.js.Stream(ctx, f.stream)
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}

// message asks the stream's leader, as a direct get would not; a zero place where there is none.
func (f *follower) message(which map[string]any) (place, error) {
	ask, err := json.Marshal(which)
	if err != nil {
		return place{}, err
	}
	answer, err := f.nc.Request("$JS.API.STREAM.MSG.GET."+f.stream, ask, 2*time.Second)
	if err != nil {
		return place{}, err
	}
	var read struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Sequence uint64    `json:"seq"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &read); err != nil {
		return place{}, err
	}
	if read.Error != nil && read.Error.ErrorCode != 10037 { // 10037: no such message.
		return place{}, read.Error
	}
	return place{read.Message.Sequence, read.Message.Time}, nil
}

// pause waits; false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
