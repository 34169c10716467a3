package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	tickEvery = time.Second
	// What a client may take to read what it is sent, before its connection is closed.
	patience = 5 * time.Second
	// What a connection may take to end by itself, before it is closed under its handler.
	graceOfCut = 200 * time.Millisecond
)

// A connection is a live stream that can be cut from outside.
type connection struct {
	socket net.Conn
	stop   chan []reason
	done   chan struct{}
}

type connections []*connection

// cut ends all and tells when nothing more was served on any of them.
func (all connections) cut(reasons ...reason) time.Time {
	var ended sync.WaitGroup
	for _, c := range all {
		ended.Add(1)
		go func() {
			defer ended.Done()
			c.stop <- reasons
			select {
			case <-c.done:
			case <-time.After(graceOfCut):
				c.socket.Close()
				<-c.done
			}
		}()
	}
	ended.Wait()
	return time.Now()
}

type socketKey struct{}

// A server protects the resources that it is configured for: `GET /<resource>` is answered at once, `GET /<resource>/live`
// goes on until somebody ends it.
type server struct {
	gateway *gateway
	// How the proxy in front proves devices.
	proof  string
	health func() health
}

func (s *server) handler(resources []string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		h := s.health()
		status := http.StatusOK
		if !h.Loaded || !h.Trusted {
			status = http.StatusServiceUnavailable
		}
		answer(w, status, h)
	})
	for _, resource := range resources {
		mux.HandleFunc("GET /"+resource, func(w http.ResponseWriter, r *http.Request) { s.page(w, r, resource) })
		mux.HandleFunc("GET /"+resource+"/live", func(w http.ResponseWriter, r *http.Request) { s.live(w, r, resource) })
	}
	return mux
}

func (s *server) page(w http.ResponseWriter, r *http.Request, resource string) {
	device, who, ok := s.identify(w, r)
	if !ok {
		return
	}
	verdict := s.gateway.decide(device, resource, who)
	answer(w, statusOf(verdict), verdict)
}

func (s *server) live(w http.ResponseWriter, r *http.Request, resource string) {
	device, who, ok := s.identify(w, r)
	if !ok {
		return
	}
	socket, _ := r.Context().Value(socketKey{}).(net.Conn)
	c := &connection{socket, make(chan []reason, 1), make(chan struct{})}
	session, verdict, err := s.gateway.enter(device, resource, who, c)
	if errors.Is(err, errFull) {
		answer(w, http.StatusServiceUnavailable, map[string]string{"error": err.Error()})
		return
	}
	if session == nil {
		answer(w, http.StatusForbidden, verdict)
		return
	}
	defer s.gateway.leave(session, c)
	defer close(c.done)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	if send(w, "session", map[string]string{"sessionId": session.id}) != nil {
		return
	}
	ticks := time.NewTicker(tickEvery)
	defer ticks.Stop()
	for {
		var err error
		select {
		case reasons := <-c.stop:
			if err := send(w, "revoked", append([]reason{}, reasons...)); err != nil {
				slog.Debug("the client does not hear why", "error", err)
			}
			return
		case at := <-ticks.C:
			err = send(w, "tick", at.UTC())
		case <-r.Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// identify takes the device and its user from the TLS proxy on this machine, which proved them and overwrites the headers.
func (s *server) identify(w http.ResponseWriter, r *http.Request) (string, asker, bool) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	devices, users := r.Header.Values("X-Device"), r.Header.Values("X-User")
	if err != nil || !net.ParseIP(host).IsLoopback() || len(devices) != 1 || len(users) > 1 {
		answer(w, http.StatusUnauthorized, deny(reason{"identity-missing", "The request proves no device."}))
		return "", asker{}, false
	}
	if _, err := tokenOf(devices[0]); err != nil {
		answer(w, http.StatusUnauthorized, deny(reason{"identity-missing", "No device has this id."}))
		return "", asker{}, false
	}
	return devices[0], asker{user: r.Header.Get("X-User"), proof: s.proof}, true
}

func statusOf(v verdict) int {
	if v.Allowed {
		return http.StatusOK
	}
	return http.StatusForbidden
}

func send(w http.ResponseWriter, name string, about any) error {
	payload, err := json.Marshal(about)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, payload); err != nil {
		return err
	}
	return control.Flush()
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.Debug("the client does not hear the answer", "error", err)
	}
}
