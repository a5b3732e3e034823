package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const hook = "https://hooks.example/services/T0/very-secret-path"

// Given channels for alerts, all of them are read, and none of the secrets
// shows when the settings are printed.
//
// Statements: G-157.
func TestAlertChannels(t *testing.T) {
	l, err := load("DISCORD_TOKEN="+realToken, "ALERT_WEBHOOK_URL="+hook, "ALERT_NTFY_URL=https://ntfy.sh/topic", "ALERT_NTFY_TOKEN=tk_secret",
		"ALERT_EMAIL_TO=Me <me@example.org>; you@example.org", "ALERT_SMTP_ADDR= mail.example:587 ", "ALERT_SMTP_USER=me", "ALERT_SMTP_PASSWORD=pass word",
		"DEADMAN_PING_URL=https://hc.example/ping/1", "ALERT_REMIND_EVERY=0")
	if err != nil {
		t.Fatal(err)
	}
	c := l.Config
	if c.AlertWebhookURL.Reveal() != hook || c.AlertSMTPAddr != "mail.example:587" || c.AlertRemindEvery != Never || c.AlertSMTPPassword.Reveal() != "pass word" {
		t.Errorf("not read as written: %+v", c)
	}
	if !slices.Equal(c.AlertEmailTo, Addresses{"me@example.org", "you@example.org"}) {
		t.Errorf("addresses are %q", c.AlertEmailTo)
	}
	if got := c.Secrets(); len(got) != 6 || !slices.Contains(got, hook) || !slices.Contains(got, realToken) {
		t.Errorf("%d secrets are known", len(got))
	}
	if text := fmt.Sprintf("%+v %#v", c, c); strings.Contains(text, "very-secret") || strings.Contains(text, "pass word") {
		t.Error("an address that is a secret prints")
	}
}

// Given settings for alerts that cannot work, each is named, and no address is
// shown.
//
// Statements: G-157.
func TestBadAlertSettings(t *testing.T) {
	for value, why := range map[string]string{
		"ALERT_WEBHOOK_URL=ftp://x/very-secret":           "does not start with",
		"ALERT_WEBHOOK_URL=https:///very-secret":          "no host",
		"ALERT_WEBHOOK_URL=https://x/very-secret#y":       "has a #",
		"ALERT_WEBHOOK_URL=https://x/very secret":         "space",
		"ALERT_DISCORD_WEBHOOK_URL=http://[::very-secret": "not an address",
		"ALERT_NTFY_TOKEN=x":                              "ALERT_NTFY_URL is not set",
		"ALERT_EMAIL_TO=me@example.org":                   "ALERT_SMTP_ADDR is not set",
		"ALERT_EMAIL_TO=me":                               "not a list",
		"ALERT_EMAIL_FROM=a@b.c, d@e.f":                   "more than one",
		"ALERT_SMTP_ADDR=mail.example:25":                 "nobody would get anything",
		"ALERT_SMTP_USER=me":                              "belong together",
		"ALERT_AFTER=1":                                   "ordinary reconnects",
		"ALERT_REMIND_EVERY=1":                            "shorter than 1m",
		"ALERT_MAX_PER_HOUR=0":                            "less than 1",
		"ALERT_RUNBOOK_URL=x#y":                           "contains a #",
		"DEADMAN_PING_URL=x":                              "does not start with",
		"DEADMAN_PING_INTERVAL=1":                         "shorter than 10s",
		"DISCORD_STATUS_URL=https://u:p@x/":               "end up in logs",
		"DISCORD_STATUS_URL=x":                            "must start with",
		"DISCORD_STATUS_URL=http://":                      "no host",
		"DISCORD_STATUS_URL=http://[":                     "not an address",
	} {
		_, err := load("DISCORD_TOKEN="+realToken, value)
		if all, ok := errors.AsType[*Error](err); !ok || len(all.Problems) != 1 || !strings.Contains(all.Problems[0].Why, why) {
			t.Errorf("%s: %v", value, err)
			continue
		}
		if strings.Contains(err.Error(), "very") {
			t.Errorf("the address is shown: %v", err)
		}
	}
	_, err := load("DISCORD_TOKEN="+realToken, "ALERT_EMAIL_TO=me@example.org", "ALERT_SMTP_ADDR=mail.example")
	if err == nil || !strings.Contains(err.Error(), "host and a port") {
		t.Errorf("got %v", err)
	}
}

// Discord's status page is asked by default, but not about a simulator, and
// not when it is switched off.
func TestDiscordStatusURL(t *testing.T) {
	for _, c := range []struct {
		set  string
		want string
	}{
		{"X=", "https://discordstatus.com/api/v2/summary.json"},
		{"DISCORD_API_URL=https://canary.discord.com/api/v10", "https://discordstatus.com/api/v2/summary.json"},
		{"DISCORD_API_URL=http://127.0.0.1:8500", ""},
		{"DISCORD_STATUS_URL=", ""},
		{"DISCORD_STATUS_URL=none", ""},
		{"DISCORD_STATUS_URL=http://127.0.0.1:1/x", "http://127.0.0.1:1/x"},
	} {
		l, err := load("DISCORD_TOKEN="+realToken, c.set)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Config.DiscordStatusURL; got != c.want {
			t.Errorf("%s: %q, want %q", c.set, got, c.want)
		}
	}
	if OfDiscord("http://[") || OfDiscord("https://discord.com.evil.example") {
		t.Error("a foreign address counts as Discord's")
	}
}
