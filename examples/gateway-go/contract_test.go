package main

import (
	"strings"
	"testing"
)

func TestIDsAsTokens(t *testing.T) {
	for id, token := range map[string]string{
		"laptop-0003":    "laptop-0003",
		"jo@example.com": "jo=40example=2Ecom",
		"é":              "=C3=A9",
		"a=b":            "a=3Db",
		"*.>":            "=2A=2E=3E",
	} {
		if got, err := tokenOf(id); got != token || err != nil {
			t.Errorf("tokenOf(%q) is %q, %v", id, got, err)
		}
		if got, ok := idOf(token); got != id || !ok {
			t.Errorf("idOf(%q) is %q, %v", token, got, ok)
		}
	}
	for _, id := range []string{"", strings.Repeat("a", 201), strings.Repeat("é", 40)} {
		if token, err := tokenOf(id); err == nil {
			t.Errorf("tokenOf(%q) is %q", id, token)
		}
	}
	for _, token := range []string{"", "=4", "=zz", "=61", "=c3=a9", "a.b", "a b"} {
		if id, ok := idOf(token); ok {
			t.Errorf("idOf(%q) is %q", token, id)
		}
	}
}

func TestEventsAreRefusedThatDoNotFitTheirSubject(t *testing.T) {
	fits := `{"type":"dev.stance.session.revoked.v1","subject":"s1","data":{"gateway":"edge","deviceId":"d1","sessionId":"s1","more":1}}`
	const on = "stance.session.revoked.v1.edge.d1.s1"
	for name, c := range map[string]struct {
		payload, subject string
		ok               bool
	}{
		"as it should be":   {fits, on, true},
		"no JSON":           {"{", on, false},
		"another type":      {strings.Replace(fits, "revoked", "ended", 1), on, false},
		"another subject":   {strings.Replace(fits, `"subject":"s1"`, `"subject":"s2"`, 1), on, false},
		"another device":    {fits, "stance.session.revoked.v1.edge.d2.s1", false},
		"another gateway":   {fits, "stance.session.revoked.v1.core.d1.s1", false},
		"an id that is not": {strings.Replace(fits, `"deviceId":"d1",`, "", 1), on, false},
	} {
		if _, err := openEvent(sessionRevoked, c.subject, []byte(c.payload), &revocationData{}); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
