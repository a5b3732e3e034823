// Package config is everything an operator can set, as one typed value.
//
// A setting comes from a flag, else from the environment, else from a .env
// file, else from its default. The table in settings.go describes every one of
// them; the struct below gives each its type; .env.example, docs/settings.md
// and the flags are generated from the table.
//
// [Load] reports everything that is wrong at once, and says for each value
// where it came from and what would be allowed. Values of the .env file never
// enter the process environment, so no child process or crash report sees
// them.
package config

import (
	"net"
	"net/netip"
	"time"

	"evergreen/fleet"
	"evergreen/gateway"

	"github.com/disgoorg/snowflake/v2"
)

//go:generate go test -run TestGeneratedFiles -update

// Never is the value of a duration that is switched off. Where an operator writes
// 0 for that, the parser makes it Never, for 0 is the default in every Options.
const Never = -1

// Config is one complete, valid set of settings. The tag of each field names
// its variable; the table says what it means.
type Config struct {
	// Token is the bare bot token: no "Bot " prefix, no quotes, no newline. It
	// is also filled from TokenFile.
	Token     Secret `env:"DISCORD_TOKEN"`
	TokenFile string `env:"DISCORD_TOKEN_FILE"`
	// The proxies are in the form that HTTPS_PROXY and the like usually have.
	HTTPSProxy Proxy  `env:"HTTPS_PROXY"`
	HTTPProxy  Proxy  `env:"HTTP_PROXY"`
	AllProxy   Proxy  `env:"ALL_PROXY"`
	NoProxy    string `env:"NO_PROXY"`
	// APIURL has a scheme, a host and a path without a final slash.
	APIURL          string              `env:"DISCORD_API_URL"`
	Activity        Activity            `env:"DISCORD_ACTIVITY"`
	Status          gateway.Status      `env:"DISCORD_STATUS"`
	PresenceIntent  bool                `env:"DISCORD_PRESENCE_INTENT"`
	OptionalIntents gateway.Intents     `env:"DISCORD_OPTIONAL_INTENTS"`
	Compression     gateway.Compression `env:"DISCORD_COMPRESSION"`
	Shards          fleet.Assignment    `env:"SHARDS"`
	// ReadLimit is in bytes, or [ReadLimitAuto]; [Config.Room] works it out.
	ReadLimit int64 `env:"DISCORD_READ_LIMIT"`
	// RESTLimit is in requests a second.
	RESTLimit int `env:"DISCORD_REST_LIMIT"`

	HeartbeatTimeout time.Duration `env:"DISCORD_HEARTBEAT_TIMEOUT"`
	// SilenceProbe is [Never] when the probe is off.
	SilenceProbe         time.Duration `env:"DISCORD_SILENCE_PROBE"`
	KeepaliveInterval    time.Duration `env:"DISCORD_KEEPALIVE_INTERVAL"`
	MaxReconnectAttempts int           `env:"DISCORD_MAX_RECONNECT_ATTEMPTS"`
	ShutdownGrace        time.Duration `env:"SHUTDOWN_GRACE"`

	CommandPrefix string `env:"DISCORD_COMMAND_PREFIX"`
	SlashCommands bool   `env:"DISCORD_SLASH_COMMANDS"`
	// OwnerIDs is empty when the application's owner is meant.
	OwnerIDs []snowflake.ID `env:"DISCORD_OWNER_IDS"`
	// CommandCooldown is [Never] when there is none.
	CommandCooldown    time.Duration `env:"COMMAND_COOLDOWN"`
	CommandTimeout     time.Duration `env:"COMMAND_TIMEOUT"`
	CommandConcurrency int           `env:"COMMAND_CONCURRENCY"`

	// ActivityWarningAfter is [Never] when the warning is off.
	ActivityWarningAfter time.Duration `env:"ACTIVITY_WARNING_AFTER"`
	HealthCheckInterval  time.Duration `env:"HEALTH_CHECK_INTERVAL"`
	// OfflineWarningAfter is [Never] when the warning is off.
	OfflineWarningAfter time.Duration `env:"OFFLINE_WARNING_AFTER"`
	// DiscordStatusURL is empty when Discord's status page is not to be asked.
	DiscordStatusURL string `env:"DISCORD_STATUS_URL"`

	// APIAddr is host:port; an empty host means every interface.
	APIAddr  string `env:"API_ADDR"`
	APIToken Secret `env:"API_TOKEN"`
	// APIRequired is set only together with an APIAddr that is not the default.
	APIRequired bool `env:"API_REQUIRED"`
	// StatusPage shows a page without details to everybody.
	StatusPage bool `env:"STATUS_PAGE"`

	// The channels of alerts are off while they are empty.
	AlertWebhookURL   Secret    `env:"ALERT_WEBHOOK_URL"`
	AlertDiscordURL   Secret    `env:"ALERT_DISCORD_WEBHOOK_URL"`
	AlertNtfyURL      Secret    `env:"ALERT_NTFY_URL"`
	AlertNtfyToken    Secret    `env:"ALERT_NTFY_TOKEN"`
	AlertEmailTo      Addresses `env:"ALERT_EMAIL_TO"`
	AlertEmailFrom    Addresses `env:"ALERT_EMAIL_FROM"`
	AlertSMTPAddr     string    `env:"ALERT_SMTP_ADDR"`
	AlertSMTPUser     string    `env:"ALERT_SMTP_USER"`
	AlertSMTPPassword Secret    `env:"ALERT_SMTP_PASSWORD"`

	AlertAfter time.Duration `env:"ALERT_AFTER"`
	// AlertRemindEvery is [Never] when there are no reminders.
	AlertRemindEvery time.Duration `env:"ALERT_REMIND_EVERY"`
	AlertMaxPerHour  int           `env:"ALERT_MAX_PER_HOUR"`
	AlertRunbookURL  string        `env:"ALERT_RUNBOOK_URL"`

	DeadmanPingURL      Secret        `env:"DEADMAN_PING_URL"`
	DeadmanPingInterval time.Duration `env:"DEADMAN_PING_INTERVAL"`

	LogLevel  Level     `env:"LOG_LEVEL"`
	LogFormat LogFormat `env:"LOG_FORMAT"`
	// LogFile is empty when no file is wanted.
	LogFile       string `env:"LOG_FILE"`
	LogMaxSizeMB  int    `env:"LOG_MAX_SIZE_MB"`
	LogMaxBackups int    `env:"LOG_MAX_BACKUPS"`
	LogMaxAgeDays int    `env:"LOG_MAX_AGE_DAYS"`

	StateDir string `env:"EVERGREEN_STATE_DIR"`

	// ProxyAddr is where bots connect, host:port; an empty host means every interface.
	ProxyAddr    string `env:"PROXY_ADDR"`
	ProxyToken   Secret `env:"PROXY_TOKEN"`
	ProxyTLSCert string `env:"PROXY_TLS_CERT"`
	ProxyTLSKey  string `env:"PROXY_TLS_KEY"`
	// ProxyURL is ws or wss, without a path; empty: what a bot has connected to.
	ProxyURL string `env:"PROXY_URL"`
	// ProxyIntents is 0 where the bot decides.
	ProxyIntents   BotIntents `env:"PROXY_INTENTS"`
	ProxyBotShards int        `env:"PROXY_BOT_SHARDS"`
	ProxyBacklog   Size       `env:"PROXY_BACKLOG"`
	// ProxyBacklogDisk is 0 where everything is in memory.
	ProxyBacklogDisk Size          `env:"PROXY_BACKLOG_DISK"`
	ProxyBacklogAge  time.Duration `env:"PROXY_BACKLOG_AGE"`
	// ProxySettle is 0 where the library decides.
	ProxySettle       time.Duration    `env:"PROXY_SETTLE"`
	ProxyInteractions InteractionsMode `env:"PROXY_INTERACTIONS"`
	// ProxyAwayReply is empty for the sentence in the language of who asked.
	ProxyAwayReply string `env:"PROXY_AWAY_REPLY"`
	ProxyREST      bool   `env:"PROXY_REST"`
}

// Presence is the dot and the activity to show from the first moment on.
func (c Config) Presence() gateway.Presence {
	p := gateway.Presence{Activities: []gateway.Activity{}, Status: c.Status}
	if !c.Activity.None() {
		p.Activities = append(p.Activities, c.Activity.Activity)
	}
	return p
}

// ReadLimitAuto is the ReadLimit that follows the memory there is.
const ReadLimitAuto = 0

// Room returns how many bytes one payload of the gateway may have and how many of events
// may wait for their handlers, for each of so many shards. memory is what the container or
// host grants in bytes, 0 where that is not known.
//
// A payload stands in memory several times while it is read, decompressed and handed on.
// So one of an eighth fits, and the shards together get a quarter for each of the two.
func (c Config) Room(memory int64, shards int) (readLimit, queueBytes int64) {
	const (
		least                = 2 << 20
		mostRead, mostQueued = 128 << 20, 64 << 20
	)
	readLimit, queueBytes = mostRead, mostQueued
	if memory > 0 {
		share := memory / 4 / int64(max(1, shards))
		readLimit = max(least, min(mostRead, memory/8, share))
		queueBytes = max(least, min(mostQueued, share))
	}
	if c.ReadLimit != ReadLimitAuto {
		readLimit = c.ReadLimit
	}
	return readLimit, queueBytes
}

// Timing is the part of a shard's timing an operator can set. Everything else
// keeps the shard's defaults.
func (c Config) Timing() gateway.Timing {
	return gateway.Timing{HeartbeatTimeout: c.HeartbeatTimeout, SilenceProbe: c.SilenceProbe}
}

// APILoopback reports whether only this machine can reach APIAddr.
func (c Config) APILoopback() bool {
	host, _, err := net.SplitHostPort(c.APIAddr)
	if err != nil {
		return false
	}
	return loopback(host)
}

// APIOpen reports whether other machines can reach APIAddr and no token would keep
// them out.
func (c Config) APIOpen() bool {
	return c.APIAddr != "" && !c.APILoopback() && c.APIToken.Empty()
}

// loopback reports whether a host names this machine and nothing else.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}
