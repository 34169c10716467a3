package main

import "time"

// echoTime is how long the stream may still tell of a session that is over.
const echoTime = 10 * time.Minute

// A session is one device's use of one resource, from whichever replica and life of this gateway.
type session struct {
	id, device, resource string
	asker
	startedAt, expiresAt time.Time
	// The live connections of this process; none for a session of another replica, or of before a restart.
	connections map[*connection]bool
	// Since when nothing allows it; zero while something does.
	lapsedAt time.Time
}

func newSession(id, device, resource string, who asker, startedAt, expiresAt time.Time) *session {
	return &session{
		id: id, device: device, resource: resource, asker: who,
		startedAt: startedAt, expiresAt: expiresAt, connections: map[*connection]bool{},
	}
}

// A register holds the open sessions. Each leaves it once: whoever takes it out ends it. No I/O and no clock.
type register struct {
	open     map[string]*session
	byDevice map[string]map[*session]bool
	// When sessions left, for a while: their echo from the stream brings nothing back.
	over map[string]time.Time
}

func newRegister() register {
	return register{map[string]*session{}, map[string]map[*session]bool{}, map[string]time.Time{}}
}

// add does nothing for a session that is open or over.
func (r register) add(s *session) bool {
	if _, isOver := r.over[s.id]; isOver || r.open[s.id] != nil {
		return false
	}
	r.open[s.id] = s
	if r.byDevice[s.device] == nil {
		r.byDevice[s.device] = map[*session]bool{}
	}
	r.byDevice[s.device][s] = true
	return true
}

// take takes a session out; nil where it is not open.
func (r register) take(id string, now time.Time) *session {
	s := r.open[id]
	if s == nil {
		return nil
	}
	delete(r.open, id)
	delete(r.byDevice[s.device], s)
	if len(r.byDevice[s.device]) == 0 {
		delete(r.byDevice, s.device)
	}
	r.over[id] = now
	return s
}

// find is the open session of exactly this device, resource, user and proof.
func (r register) find(device, resource string, who asker, now time.Time) *session {
	for s := range r.byDevice[device] {
		if s.resource == resource && s.asker == who && now.Before(s.expiresAt) {
			return s
		}
	}
	return nil
}

func (r register) ofDevice(device string) []*session {
	var found []*session
	for s := range r.byDevice[device] {
		found = append(found, s)
	}
	return found
}

// detach gives the live connections of a session that was taken out, for cutting them without the lock.
func (s *session) detach() connections {
	var all connections
	for c := range s.connections {
		all = append(all, c)
	}
	clear(s.connections)
	return all
}

// due takes out the sessions at the end of their lifetime, and forgets those that are over for long.
func (r register) due(now time.Time) []*session {
	var due []*session
	for id, s := range r.open {
		if !now.Before(s.expiresAt) {
			due = append(due, r.take(id, now))
		}
	}
	for id, since := range r.over {
		if now.Sub(since) > echoTime {
			delete(r.over, id)
		}
	}
	return due
}
