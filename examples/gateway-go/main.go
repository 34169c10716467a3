// A gateway on a plain NATS client: what docs/gateways-in-any-language.md asks for, and nothing else of Stance.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Health is what /healthz tells, with the names of the SDK's health().
type health struct {
	Connected     bool   `json:"connected"`
	Loaded        bool   `json:"loaded"`
	EngineHeardAt *int64 `json:"engineHeardAt,omitempty"`
	Trusted       bool   `json:"trusted"`
	Behind        bool   `json:"behind"`
	Decisions     int    `json:"decisions"`
	Sessions      int    `json:"sessions"`
	Unconfirmed   int    `json:"unconfirmed"`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	settings, err := settingsOf(os.Getenv)
	if err != nil {
		return err
	}
	options := []nats.Option{
		nats.Name("gateway " + settings.gateway),
		nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond), nats.RetryOnFailedConnect(true),
		// What is not sent at once is not sent: whoever wants it tries again.
		nats.ReconnectBufSize(-1),
	}
	if settings.credentials != "" {
		options = append(options, nats.UserCredentials(settings.credentials))
	}
	nc, err := nats.Connect(settings.nats, options...)
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	outbox := newAnnouncer(js)
	g := newGateway(settings.gateway, settings.lifetime, settings.maxSilence, outbox)
	name, err := tokenOf(settings.gateway)
	if err != nil {
		return err
	}

	sessions := newFollower(nc, js, "STANCE_SESSIONS", "stance.session.*.v1."+name+".>")
	decisions := newFollower(nc, js, "STANCE_DECISIONS", "stance.decision.changed.v1."+name+".>")
	revocations := newFollower(nc, js, "STANCE_REVOCATIONS", "stance.session.revoked.v1."+name+".>")
	sessions.onMessage = g.onSession
	decisions.onMessage, decisions.onReached, decisions.onReplaced = g.onDecision, g.onReached, g.onReplaced
	revocations.onMessage = g.onRevocation
	g.decided, g.revocations = decisions, revocations
	followers := []*follower{sessions, decisions, revocations}
	nc.SetDisconnectErrHandler(func(*nats.Conn, error) {
		for _, f := range followers {
			f.lost()
		}
	})
	nc.SetReconnectHandler(func(*nats.Conn) {
		for _, f := range followers {
			f.look()
		}
	})
	if _, err := nc.Subscribe("stance.engine.reported.v1."+name, g.onReport); err != nil {
		return err
	}
	announcing, stopAnnouncing := context.WithCancel(context.Background())
	defer stopAnnouncing()
	go outbox.run(announcing)
	// Sessions first: decisions and revocations then find what they end, what was open before a restart as well.
	go func() {
		for _, f := range followers {
			go f.run(ctx)
			select {
			case <-f.loadedOnce:
			case <-ctx.Done():
				return
			}
		}
	}()
	go func() {
		for pause(ctx, time.Second) {
			g.expire(time.Now())
		}
	}()

	s := &server{gateway: g, proof: settings.proof, health: func() health {
		h := g.health(time.Now())
		h.Connected = nc.IsConnected()
		h.Loaded = sessions.loaded() && decisions.loaded() && revocations.loaded()
		h.Unconfirmed = outbox.waiting()
		return h
	}}
	return serve(ctx, s, settings, outbox)
}

// serve answers until ctx ends, then ends the live connections and their sessions.
func serve(ctx context.Context, s *server, settings settings, outbox *announcer) error {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", settings.port))
	if err != nil {
		return err
	}
	web := &http.Server{
		Handler:           s.handler(settings.resources),
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		// Live streams end with the process.
		BaseContext: func(net.Listener) context.Context { return ctx },
		ConnContext: func(ctx context.Context, socket net.Conn) context.Context {
			return context.WithValue(ctx, socketKey{}, socket)
		},
	}
	fmt.Printf("listening on http://%s\n", listener.Addr())
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	deadline, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := web.Shutdown(deadline); err != nil {
		slog.Warn("not every connection ended in time", "error", err)
	}
	for outbox.waiting() > 0 && pause(deadline, 20*time.Millisecond) {
	}
	if left := outbox.waiting(); left > 0 {
		slog.Warn("ended before everything was confirmed", "messages", left)
	}
	return nil
}

func (g *gateway) health(now time.Time) health {
	g.mu.Lock()
	defer g.mu.Unlock()
	state := g.engine.state(now)
	h := health{
		Trusted:   state == fresh,
		Behind:    state == behind,
		Decisions: len(g.decisions),
		Sessions:  len(g.sessions.open),
	}
	if !g.engine.heardAt.IsZero() {
		at := g.engine.heardAt.UnixMilli()
		h.EngineHeardAt = &at
	}
	return h
}

type settings struct {
	nats, credentials, gateway, port, proof string
	resources                               []string
	maxSilence, lifetime                    time.Duration
}

// settingsOf reads the environment; see README.md.
func settingsOf(env func(string) string) (settings, error) {
	or := func(name, usual string) string {
		if value := env(name); value != "" {
			return value
		}
		return usual
	}
	s := settings{
		nats:        or("NATS_URL", nats.DefaultURL),
		credentials: env("NATS_CREDS_FILE"),
		gateway:     or("GATEWAY", "edge"),
		port:        or("PORT", "8080"),
		proof:       or("DEVICE_PROOF", "certificate"),
		resources:   strings.Split(or("RESOURCES", "wiki,payroll"), ","),
	}
	var silence, lifetime error
	s.maxSilence, silence = time.ParseDuration(or("MAX_SILENCE", "5m"))
	s.lifetime, lifetime = time.ParseDuration(or("SESSION_LIFETIME", "12h"))
	if err := errors.Join(silence, lifetime); err != nil {
		return s, err
	}
	if s.lifetime < time.Second || s.lifetime > 7*24*time.Hour {
		return s, fmt.Errorf("SESSION_LIFETIME: a session lives from 1s to 168h, not %s", s.lifetime)
	}
	if strengthOf(s.proof) > strengthOf("certificate") {
		return s, fmt.Errorf("DEVICE_PROOF: certificate, token or address, not %q", s.proof)
	}
	return s, nil
}

func newID() string { return strings.ToLower(rand.Text()) }
