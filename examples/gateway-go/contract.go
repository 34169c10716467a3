package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The events of the contract, as far as a gateway reads and writes them.
const (
	decisionChanged = "decision.changed"
	sessionStarted  = "session.started"
	sessionEnded    = "session.ended"
	sessionRevoked  = "session.revoked"
	engineReported  = "engine.reported"
)

// An event is a CloudEvent in structured JSON.
type event struct {
	SpecVersion     string          `json:"specversion"`
	ID              string          `json:"id"`
	Type            string          `json:"type"`
	Source          string          `json:"source"`
	Subject         string          `json:"subject"`
	Time            string          `json:"time"`
	DataContentType string          `json:"datacontenttype"`
	Data            json.RawMessage `json:"data"`
	cause
}

// A cause goes from a revocation to the end of its session: it ties the cut to the observation behind it.
type cause struct {
	Txn         string `json:"txn,omitempty"`
	ObservedAt  string `json:"observedat,omitempty"`
	TraceParent string `json:"traceparent,omitempty"`
}

// The data of an event knows the ids that its NATS subject has to carry.
type data interface{ ids() []string }

type reason struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

type ruling struct {
	Effect        string     `json:"effect"`
	Enforced      *bool      `json:"enforced"`
	Reasons       []reason   `json:"reasons"`
	Until         *time.Time `json:"until"`
	HeldUntil     *time.Time `json:"heldUntil"`
	RequiresOwner *string    `json:"requiresOwner"`
}

type decisionData struct {
	Gateway         string            `json:"gateway"`
	DeviceID        string            `json:"deviceId"`
	Resources       map[string]ruling `json:"resources"`
	PostureRevision *int64            `json:"postureRevision"`
	PolicyRevision  *int64            `json:"policyRevision"`
	// Null where time alone changes nothing; left out, the decision cannot be read.
	ReviewAt json.RawMessage `json:"reviewAt"`
	Identity *string         `json:"identity"`
}

type sessionData struct {
	Gateway     string    `json:"gateway"`
	DeviceID    string    `json:"deviceId"`
	SessionID   string    `json:"sessionId"`
	Resource    string    `json:"resource"`
	User        string    `json:"user,omitempty"`
	StartedAt   timestamp `json:"startedAt"`
	ExpiresAt   timestamp `json:"expiresAt"`
	Enforcement string    `json:"enforcement"`
	Proof       string    `json:"proof,omitempty"`
}

type endData struct {
	Gateway     string     `json:"gateway"`
	DeviceID    string     `json:"deviceId"`
	SessionID   string     `json:"sessionId"`
	Resource    string     `json:"resource"`
	Cause       string     `json:"cause"`
	EndedAt     timestamp  `json:"endedAt"`
	EnforcedAt  *timestamp `json:"enforcedAt,omitempty"`
	Enforcement string     `json:"enforcement,omitempty"`
}

type revocationData struct {
	Gateway         string   `json:"gateway"`
	DeviceID        string   `json:"deviceId"`
	SessionID       string   `json:"sessionId"`
	Resource        string   `json:"resource"`
	Reasons         []reason `json:"reasons"`
	PostureRevision int64    `json:"postureRevision"`
	PolicyRevision  int64    `json:"policyRevision"`
}

type reportData struct {
	Gateway     string `json:"gateway"`
	DecidedUpTo uint64 `json:"decidedUpTo"`
}

func (d *decisionData) ids() []string   { return []string{d.Gateway, d.DeviceID} }
func (d *sessionData) ids() []string    { return []string{d.Gateway, d.DeviceID, d.SessionID} }
func (d *endData) ids() []string        { return []string{d.Gateway, d.DeviceID, d.SessionID} }
func (d *revocationData) ids() []string { return []string{d.Gateway, d.DeviceID, d.SessionID} }
func (d *reportData) ids() []string     { return []string{d.Gateway} }

// A timestamp is written in UTC, in milliseconds.
type timestamp struct{ time.Time }

func (t timestamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.UTC().Format("2006-01-02T15:04:05.000Z"))
}

// openEvent reads an event and refuses one whose type, subject or ids do not fit where it came from.
func openEvent(name, natsSubject string, payload []byte, into data) (event, error) {
	var read event
	if err := json.Unmarshal(payload, &read); err != nil {
		return read, err
	}
	if read.Type != "dev.stance."+name+".v1" {
		return read, fmt.Errorf("its type is %q", read.Type)
	}
	if err := json.Unmarshal(read.Data, into); err != nil {
		return read, err
	}
	ids := into.ids()
	address, err := subjectOf(name, ids...)
	if err != nil {
		return read, err
	}
	if address != natsSubject || read.Subject != ids[len(ids)-1] {
		return read, fmt.Errorf("it belongs on %s", address)
	}
	return read, nil
}

// subjectOf is the NATS subject of an event about these ids.
func subjectOf(name string, ids ...string) (string, error) {
	tokens := []string{"stance", name, "v1"}
	for _, id := range ids {
		token, err := tokenOf(id)
		if err != nil {
			return "", err
		}
		tokens = append(tokens, token)
	}
	return strings.Join(tokens, "."), nil
}

var errUnusableID = errors.New("an id takes 1 to 200 bytes once escaped")

// tokenOf escapes an id: letters, digits, - and _ stand for themselves, every other byte is = and two hex digits.
func tokenOf(id string) (string, error) {
	var token strings.Builder
	for _, b := range []byte(id) {
		if isPlain(b) {
			token.WriteByte(b)
		} else {
			fmt.Fprintf(&token, "=%02X", b)
		}
	}
	if token.Len() == 0 || token.Len() > 200 {
		return "", errUnusableID
	}
	return token.String(), nil
}

// idOf is the id that a token stands for; false for what tokenOf never makes.
func idOf(token string) (string, bool) {
	var id []byte
	for at := 0; at < len(token); at++ {
		if token[at] != '=' {
			id = append(id, token[at])
			continue
		}
		if at+2 >= len(token) {
			return "", false
		}
		value, err := strconv.ParseUint(token[at+1:at+3], 16, 8)
		if err != nil {
			return "", false
		}
		id = append(id, byte(value))
		at += 2
	}
	again, err := tokenOf(string(id))
	return string(id), err == nil && again == token
}

func isPlain(b byte) bool {
	return b == '-' || b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// idAt is the id at a place among the tokens that follow the event's name, whatever the message holds.
func idAt(natsSubject string, place int) (string, bool) {
	tokens := strings.Split(natsSubject, ".")
	if len(tokens) <= 4+place {
		return "", false
	}
	return idOf(tokens[4+place])
}
