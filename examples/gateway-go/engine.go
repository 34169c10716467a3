package main

import "time"

// An engineState says whether decisions may be trusted: fresh; silent when the engine was not heard for too long, or not
// yet; behind when it has decided what has not arrived here for too long.
type engineState int

const (
	silent engineState = iota
	fresh
	behind
)

type awaited struct {
	upTo  uint64
	since time.Time
}

// maxAwaited bounds the reports that wait to be reached; later ones then count from the last of them.
const maxAwaited = 64

// An engineWatch compares what the engine reports with what has been read. Nothing is trusted before a first report has been
// heard and reached. No I/O and no clock.
type engineWatch struct {
	maxSilence, maxBehind time.Duration
	heardAt               time.Time
	trusted               bool
	reachedUpTo           uint64
	awaited               []awaited
}

// heard: the engine says that it has decided up to this sequence of the decision stream.
func (e *engineWatch) heard(upTo uint64, now time.Time) {
	e.heardAt = now
	if upTo > e.reachedUpTo {
		since := now
		if last := len(e.awaited) - 1; last+1 == maxAwaited {
			since = e.awaited[last].since
			e.awaited = e.awaited[:last]
		}
		e.awaited = append(e.awaited, awaited{upTo, since})
	}
	e.settle()
}

// reached: everything of this gateway up to this sequence has been read.
func (e *engineWatch) reached(upTo uint64) {
	e.reachedUpTo = max(e.reachedUpTo, upTo)
	e.settle()
}

// startOver: the stream is another one. Sequences mean nothing any more, and trust begins with the next report.
func (e *engineWatch) startOver() {
	*e = engineWatch{maxSilence: e.maxSilence, maxBehind: e.maxBehind}
}

func (e *engineWatch) state(now time.Time) engineState {
	switch {
	case e.heardAt.IsZero() || now.Sub(e.heardAt) > e.maxSilence:
		return silent
	case len(e.awaited) > 0 && now.Sub(e.awaited[0].since) > e.maxBehind:
		return behind
	case !e.trusted:
		return silent
	}
	return fresh
}

func (e *engineWatch) settle() {
	for len(e.awaited) > 0 && e.awaited[0].upTo <= e.reachedUpTo {
		e.awaited = e.awaited[1:]
	}
	if len(e.awaited) == 0 && !e.heardAt.IsZero() {
		e.trusted = true
	}
}
