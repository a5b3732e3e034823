package config

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"evergreen/internal/text"
)

// The headings of the table.
const (
	groupDiscord = "Discord"
	groupNetwork = "Network"
	groupOnline  = "Staying online"
	groupCommand = "Commands"
	groupMonitor = "Warnings"
	groupAPI     = "HTTP API"
	groupAlerts  = "Alerts"
	groupLog     = "Logs"
	groupState   = "State"
	groupBots    = "Proxy for bots"
)

const day = 24 * time.Hour

// table is the one place where a setting is described. Its defaults and limits
// are tested against the struct, and everything an operator reads about
// settings is generated from it.
var table = []Setting{
	{
		Name: "DISCORD_TOKEN", Group: groupDiscord, Secret: true,
		Meaning: "The bot token. A \"Bot \" prefix and quotes are removed. It is never logged.",
		Allowed: tokenAllowed,
	},
	{
		Name: "DISCORD_TOKEN_FILE", Group: groupDiscord, Place: true,
		Meaning: "A file that holds the token instead, such as a container secret.",
		Allowed: "a readable file with nothing but the token in it",
	},
	{
		Name: "DISCORD_API_URL", Group: groupDiscord, Place: true, Flag: "discord-api-url",
		Default: "https://discord.com/api/v10",
		Meaning: "Base address of the REST API; the gateway's address comes from there. A simulator or proxy may use http. Without a path, /api/v10 is added.",
		Allowed: "an https or http address without login, query or fragment",
	},
	{
		Name: "DISCORD_ACTIVITY", Group: groupDiscord, Blank: true,
		Default: "watching AI Research | !help",
		Meaning: "The line under the bot's name. Text without a verb is a custom status; none or an empty value shows nothing.",
		Allowed: "playing X, watching X, listening to X, competing in X, streaming <address> X, custom X, plain text, none; at most 128 characters",
	},
	{
		Name: "DISCORD_STATUS", Group: groupDiscord,
		Default: "online",
		Meaning: "The colour of the dot while the bot is online.",
		Allowed: "online, idle, dnd, invisible",
	},
	{
		Name: "DISCORD_PRESENCE_INTENT", Group: groupDiscord, Switch: true,
		Default: "false",
		Meaning: "Also ask for the presences of members. Needs the Presence Intent switch in the developer portal.",
		Allowed: "true, false",
	},
	{
		Name: "DISCORD_OPTIONAL_INTENTS", Group: groupDiscord,
		Meaning: "Privileged intents the bot may start without, degraded, if their switch is off. Without this a refused intent stops the start, with the switch named.",
		Allowed: "a list of MESSAGE_CONTENT, GUILD_MEMBERS, GUILD_PRESENCES",
	},
	{
		Name: "DISCORD_COMPRESSION", Group: groupDiscord,
		Default: "zlib-stream",
		Meaning: "Compression of the gateway connection. zlib-stream costs about 75 KiB of memory a shard, zstd-stream 4.6 to 8.8 MiB.",
		Allowed: "zlib-stream, zstd-stream, none",
	},
	{
		Name: "SHARDS", Group: groupDiscord,
		Default: "auto",
		Meaning: "How many shards the bot has, and which of them run here. auto asks Discord, and again when Discord refuses the bot because it has outgrown its shards; a saved session keeps its number of shards. Processes that run a part each need a state folder each.",
		Allowed: "auto, a number for all of so many, or a list of so many such as 0-15/64",
	},
	{
		Name: "DISCORD_READ_LIMIT", Group: groupDiscord,
		Default: "auto",
		Meaning: "The largest gateway payload that is kept, decompressed. Larger ones are skipped and counted; the connection stays. auto is an eighth of the memory that the container or host grants, 128MiB at most, and less with many shards.",
		Allowed: "auto, or 1MiB to 1GiB",
		check: func(c *Config) string {
			switch {
			case c.ReadLimit == ReadLimitAuto:
			case c.ReadLimit < 1<<20:
				return "it is less than 1MiB; a guild of ordinary size would not fit"
			case c.ReadLimit > 1<<30:
				return "it is more than 1GiB"
			}
			return ""
		},
	},
	{
		Name: "DISCORD_REST_LIMIT", Group: groupDiscord,
		Default: "50",
		Meaning: "Requests a second that the bot makes at most. Discord allows every bot 50, and refuses what is more; raise this only if Discord has given yours a higher limit, or for a simulator that has one. Requests for slash commands do not count.",
		Allowed: "1 to 10000",
		check:   numberBetween(func(c *Config) int { return c.RESTLimit }, 1, 10000),
	},
	{
		Name: "HTTPS_PROXY", Group: groupNetwork, Place: true, Secret: true,
		Meaning: "The proxy for everything that goes to Discord: REST and the gateway alike. A login in it is never logged. Small letters (https_proxy) work too.",
		Allowed: proxyAllowed,
		check:   checkProxy(func(c *Config) Proxy { return c.HTTPSProxy }),
	},
	{
		Name: "HTTP_PROXY", Group: groupNetwork, Place: true, Secret: true,
		Meaning: "The same for addresses that begin with http:// or ws://, such as a simulator on another machine.",
		Allowed: proxyAllowed,
		check:   checkProxy(func(c *Config) Proxy { return c.HTTPProxy }),
	},
	{
		Name: "ALL_PROXY", Group: groupNetwork, Place: true, Secret: true,
		Meaning: "The proxy where neither of the two is set.",
		Allowed: proxyAllowed,
		check:   checkProxy(func(c *Config) Proxy { return c.AllProxy }),
	},
	{
		Name: "NO_PROXY", Group: groupNetwork, Flag: noFlag,
		Meaning: "Hosts, domains, addresses and networks that are reached without a proxy. This machine itself never needs one.",
		Allowed: "a list with commas between, or * for all",
	},
	{
		Name: "DISCORD_HEARTBEAT_TIMEOUT", Group: groupOnline,
		Default: "60.0",
		Meaning: "Longest time the answer to a heartbeat may stay out before the connection is replaced. A quiet bot is never disconnected by it.",
		Allowed: "20 seconds to 10m",
		check: durationBetween(func(c *Config) time.Duration { return c.HeartbeatTimeout }, 20*time.Second, 10*time.Minute,
			"Discord may take that long under load, so a healthy bot would be reconnected again and again"),
	},
	{
		Name: "DISCORD_SILENCE_PROBE", Group: groupOnline,
		Default: "15",
		Meaning: "Time of complete silence after which an extra heartbeat asks whether Discord is still there. 0 switches it off; then the next regular heartbeat decides.",
		Allowed: "5 seconds to 10m, or 0",
		check: durationOrNever(func(c *Config) time.Duration { return c.SilenceProbe }, 5*time.Second, 10*time.Minute,
			"the extra heartbeats would use up the 120 sends a minute Discord allows, and it closes the connection of a bot that sends more"),
	},
	{
		Name: "DISCORD_KEEPALIVE_INTERVAL", Group: groupOnline,
		Default: "300",
		Meaning: "Time between two refreshes of the presence, each with a look at the connection.",
		Allowed: "15 seconds to 24h",
		check: durationBetween(func(c *Config) time.Duration { return c.KeepaliveInterval }, 15*time.Second, day,
			"Discord allows few presence updates and closes connections that send too many"),
	},
	{
		Name: "DISCORD_MAX_RECONNECT_ATTEMPTS", Group: groupOnline,
		Default: "10",
		Meaning: "Failed attempts in a row after which the log says so as an ERROR. The bot goes on trying.",
		Allowed: "1 to 10000",
		check:   numberBetween(func(c *Config) int { return c.MaxReconnectAttempts }, 1, 10000),
	},
	{
		Name: "SHUTDOWN_GRACE", Group: groupOnline,
		Default: "10",
		Meaning: "Time that running commands get to finish when the bot is stopped.",
		Allowed: "0 to 10m",
		check:   durationBetween(func(c *Config) time.Duration { return c.ShutdownGrace }, 0, 10*time.Minute, ""),
	},
	{
		Name: "DISCORD_COMMAND_PREFIX", Group: groupCommand,
		Default: "!",
		Meaning: "What a message must start with to be a command. A mention of the bot always works.",
		Allowed: "1 to 32 characters without spaces",
		check: func(c *Config) string {
			switch {
			case utf8.RuneCountInString(c.CommandPrefix) > 32:
				return "it is longer than 32 characters"
			case strings.ContainsFunc(c.CommandPrefix, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
				return "it contains a space or a control character"
			case text.Fold(c.CommandPrefix) == "":
				return "it has no character that can be seen"
			}
			return ""
		},
	},
	{
		Name: "DISCORD_SLASH_COMMANDS", Group: groupCommand, Switch: true,
		Default: "true",
		Meaning: "Offer the commands as slash commands too.",
		Allowed: "true, false",
	},
	{
		Name: "DISCORD_OWNER_IDS", Group: groupCommand,
		Meaning: "Users who may use the owner's commands, such as shutdown. Empty: the owner of the application.",
		Allowed: "a list of user ids",
	},
	{
		Name: "COMMAND_COOLDOWN", Group: groupCommand,
		Default: "2",
		Meaning: "Time between two commands of one user. 0: no limit.",
		Allowed: "0 to 1h",
		check:   durationOrNever(func(c *Config) time.Duration { return c.CommandCooldown }, 0, time.Hour, ""),
	},
	{
		Name: "COMMAND_TIMEOUT", Group: groupCommand,
		Default: "30",
		Meaning: "Time a command may run.",
		Allowed: "1 second to 15m",
		check:   durationBetween(func(c *Config) time.Duration { return c.CommandTimeout }, time.Second, 15*time.Minute, ""),
	},
	{
		Name: "COMMAND_CONCURRENCY", Group: groupCommand,
		Default: "16",
		Meaning: "Commands that may run at the same time.",
		Allowed: "1 to 1000",
		check:   numberBetween(func(c *Config) int { return c.CommandConcurrency }, 1, 1000),
	},
	{
		Name: "ACTIVITY_WARNING_AFTER", Group: groupMonitor,
		Default: "1800",
		Meaning: "Time without any activity after which the log warns. 0: never.",
		Allowed: "1 second to 720h, or 0",
		check:   durationOrNever(func(c *Config) time.Duration { return c.ActivityWarningAfter }, time.Second, 30*day, ""),
	},
	{
		Name: "HEALTH_CHECK_INTERVAL", Group: groupMonitor,
		Default: "600",
		Meaning: "Time between two looks of the slow, outer monitor. The connection itself is watched every few seconds.",
		Allowed: "1 second to 24h",
		check:   durationBetween(func(c *Config) time.Duration { return c.HealthCheckInterval }, time.Second, day, ""),
	},
	{
		Name: "OFFLINE_WARNING_AFTER", Group: groupMonitor,
		Default: "1800",
		Meaning: "Time offline after which the monitor warns. 0: never.",
		Allowed: "1 second to 720h, or 0",
		check:   durationOrNever(func(c *Config) time.Duration { return c.OfflineWarningAfter }, time.Second, 30*day, ""),
	},
	{
		Name: "DISCORD_STATUS_URL", Group: groupMonitor, Place: true, Flag: "discord-status-url", Blank: true,
		Default: "https://discordstatus.com/api/v2/summary.json",
		Meaning: "Where Discord says how it is, asked once a minute, so that trouble there is told apart from trouble here. Empty or none: not asked. With a DISCORD_API_URL that is not Discord's it is not asked either, unless it is set.",
		Allowed: "an https or http address without login, none",
	},
	{
		Name: "API_ADDR", Group: groupAPI, Place: true,
		Default: "127.0.0.1:8000",
		Meaning: "Where the HTTP API listens. One that other machines can reach needs API_TOKEN, which all but the probes and badges then ask for.",
		Allowed: "host:port",
	},
	{
		Name: "API_REQUIRED", Group: groupAPI, Switch: true,
		Default: "false",
		Meaning: "End with exit code 78 if the address that API_ADDR names cannot be had. Without this the HTTP API then listens on another port, which the log and evergreen status name.",
		Allowed: "true, false",
	},
	{
		Name: "API_TOKEN", Group: groupAPI, Secret: true,
		Meaning: "What clients of the HTTP API must present. Needed behind a reverse proxy too: docs/reverse-proxy.md shows how.",
		Allowed: "8 characters or more, without spaces",
		check: func(c *Config) string {
			token := c.APIToken.Reveal()
			switch {
			case token == "":
				return ""
			case utf8.RuneCountInString(token) < 8:
				return "it is shorter than 8 characters"
			case strings.ContainsFunc(token, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
				return "it contains a space or a control character"
			case text.Fold(c.CommandPrefix) == "":
				return "it has no character that can be seen"
			}
			return ""
		},
	},
	{
		Name: "ALERT_WEBHOOK_URL", Group: groupAlerts, Place: true, Secret: true,
		Meaning: "Where alerts go as JSON, by POST.",
		Allowed: hookAllowed,
		check:   checkWebhook(func(c *Config) Secret { return c.AlertWebhookURL }),
	},
	{
		Name: "ALERT_DISCORD_WEBHOOK_URL", Group: groupAlerts, Place: true, Secret: true,
		Meaning: "A webhook of a Discord channel that alerts go to. It does not help while Discord is down, so have another one too.",
		Allowed: hookAllowed,
		check:   checkWebhook(func(c *Config) Secret { return c.AlertDiscordURL }),
	},
	{
		Name: "ALERT_NTFY_URL", Group: groupAlerts, Place: true, Secret: true,
		Meaning: "A topic of ntfy that alerts go to, such as https://ntfy.sh/my-secret-topic. Whoever knows it can read it.",
		Allowed: hookAllowed,
		check:   checkWebhook(func(c *Config) Secret { return c.AlertNtfyURL }),
	},
	{
		Name: "ALERT_NTFY_TOKEN", Group: groupAlerts, Secret: true,
		Meaning: "Access token of a protected ntfy topic.",
		Allowed: "text without spaces",
		check: func(c *Config) string {
			if c.AlertNtfyURL.Empty() && !c.AlertNtfyToken.Empty() {
				return "ALERT_NTFY_URL is not set, so it would not be used"
			}
			return checkNoSpace(c.AlertNtfyToken.Reveal())
		},
	},
	{
		Name: "ALERT_EMAIL_TO", Group: groupAlerts,
		Meaning: "Who gets alerts by e-mail.",
		Allowed: "a list of e-mail addresses",
		check: func(c *Config) string {
			if len(c.AlertEmailTo) > 0 && c.AlertSMTPAddr == "" {
				return "ALERT_SMTP_ADDR is not set, so nothing could be sent"
			}
			return ""
		},
	},
	{
		Name: "ALERT_EMAIL_FROM", Group: groupAlerts,
		Meaning: "The sender of these e-mails. Empty: the first of ALERT_EMAIL_TO.",
		Allowed: "an e-mail address",
		check: func(c *Config) string {
			if len(c.AlertEmailFrom) > 1 {
				return "it is more than one address"
			}
			return ""
		},
	},
	{
		Name: "ALERT_SMTP_ADDR", Group: groupAlerts, Place: true,
		Meaning: "The mail server. Port 465 is encrypted from the start, every other one after STARTTLS, which a server that is not on this machine has to offer.",
		Allowed: "host:port",
		check: func(c *Config) string {
			switch {
			case c.AlertSMTPAddr == "":
				return ""
			case len(c.AlertEmailTo) == 0:
				return "ALERT_EMAIL_TO is not set, so nobody would get anything"
			}
			if err := checkAddr(c.AlertSMTPAddr); err != nil {
				return err.Error()
			}
			return ""
		},
	},
	{
		Name: "ALERT_SMTP_USER", Group: groupAlerts,
		Meaning: "The login at the mail server, if it wants one.",
		Allowed: "text",
		check: func(c *Config) string {
			if why := checkVisible(c.AlertSMTPUser); why != "" {
				return why
			}
			if (c.AlertSMTPUser == "") != c.AlertSMTPPassword.Empty() {
				return "ALERT_SMTP_USER and ALERT_SMTP_PASSWORD belong together"
			}
			return ""
		},
	},
	{
		Name: "ALERT_SMTP_PASSWORD", Group: groupAlerts, Secret: true,
		Meaning: "The password that belongs to ALERT_SMTP_USER.",
		Allowed: "text",
	},
	{
		Name: "ALERT_AFTER", Group: groupAlerts,
		Default: "60",
		Meaning: "Time without a connection after which an alert goes out, and time with one after which it is taken back. What only you can mend is told at once.",
		Allowed: "5 seconds to 24h",
		check: durationBetween(func(c *Config) time.Duration { return c.AlertAfter }, 5*time.Second, day,
			"ordinary reconnects take that long and would all be told"),
	},
	{
		Name: "ALERT_REMIND_EVERY", Group: groupAlerts,
		Default: "3600",
		Meaning: "Time between two reminders while the bot stays away. 0: none.",
		Allowed: "1m to 168h, or 0",
		check:   durationOrNever(func(c *Config) time.Duration { return c.AlertRemindEvery }, time.Minute, 7*day, ""),
	},
	{
		Name: "ALERT_MAX_PER_HOUR", Group: groupAlerts,
		Default: "12",
		Meaning: "The most alerts and reminders in an hour. What is held back is counted in the next one; that all is well again is always told.",
		Allowed: "1 to 1000",
		check:   numberBetween(func(c *Config) int { return c.AlertMaxPerHour }, 1, 1000),
	},
	{
		Name: "ALERT_RUNBOOK_URL", Group: groupAlerts, Place: true,
		Default: "docs/runbook.md",
		Meaning: "Where the links of alerts lead: a place that shows the runbook, such as /runbook of the HTTP API.",
		Allowed: "an address or a path, without #",
		check: func(c *Config) string {
			if strings.Contains(c.AlertRunbookURL, "#") {
				return "it contains a #; the section is added to it"
			}
			return checkNoSpace(c.AlertRunbookURL)
		},
	},
	{
		Name: "DEADMAN_PING_URL", Group: groupAlerts, Place: true, Secret: true,
		Meaning: "Called regularly while the bot is online, and with /fail and the reason when it is not, so that somebody notices when this whole machine is gone. For Healthchecks, Better Stack, Uptime Kuma (push) and the like.",
		Allowed: hookAllowed,
		check:   checkWebhook(func(c *Config) Secret { return c.DeadmanPingURL }),
	},
	{
		Name: "DEADMAN_PING_INTERVAL", Group: groupAlerts,
		Default: "60",
		Meaning: "Time between two such calls.",
		Allowed: "10 seconds to 24h",
		check:   durationBetween(func(c *Config) time.Duration { return c.DeadmanPingInterval }, 10*time.Second, day, ""),
	},
	{
		Name: "STATUS_PAGE", Group: groupAPI, Switch: true,
		Default: "false",
		Meaning: "Show a public status page at /status: whether the bot is online and how it has been, without details.",
		Allowed: "true, false",
	},
	{
		Name: "LOG_LEVEL", Group: groupLog,
		Default: "info",
		Meaning: "The least important lines that are logged.",
		Allowed: "debug, info, warning, error",
	},
	{
		Name: "LOG_FORMAT", Group: groupLog,
		Default: "text",
		Meaning: "Lines for people or for programs.",
		Allowed: "text, json",
	},
	{
		Name: "LOG_FILE", Group: groupLog, Place: true, Blank: true,
		Default: "logs/bot.log",
		Meaning: "The log file, beside the console. Empty, - or none: no file.",
		Allowed: "a path, none",
	},
	{
		Name: "LOG_MAX_SIZE_MB", Group: groupLog,
		Default: "10",
		Meaning: "Size in MiB at which the log file is set aside and a new one begun.",
		Allowed: "1 to 10000",
		check:   numberBetween(func(c *Config) int { return c.LogMaxSizeMB }, 1, 10000),
	},
	{
		Name: "LOG_MAX_BACKUPS", Group: groupLog,
		Default: "5",
		Meaning: "Log files set aside that are kept. 0: all of them, until LOG_MAX_AGE_DAYS.",
		Allowed: "0 to 1000",
		check:   numberBetween(func(c *Config) int { return c.LogMaxBackups }, 0, 1000),
	},
	{
		Name: "LOG_MAX_AGE_DAYS", Group: groupLog,
		Default: "28",
		Meaning: "Days after which a log file is set aside, and one set aside is deleted. 0: never for its age.",
		Allowed: "0 to 3650",
		check:   numberBetween(func(c *Config) int { return c.LogMaxAgeDays }, 0, 3650),
	},
	{
		Name: "EVERGREEN_STATE_DIR", Group: groupState, Place: true,
		Default: "data",
		Meaning: "Folder of the database and of the lock that keeps a second copy of the bot from starting.",
		Allowed: "a path",
	},
	{
		Name: "PROXY_ADDR", Group: groupBots, Place: true,
		Default: "127.0.0.1:8001",
		Meaning: "Where bots connect to evergreen proxy: the gateway and REST on one port. One that other machines can reach needs PROXY_TOKEN and a certificate.",
		Allowed: "host:port",
		check:   checkProxyAddr,
	},
	{
		Name: "PROXY_TOKEN", Group: groupBots, Secret: true,
		Meaning: "What bots present instead of the real token, so that they never hold it. Only for bots whose REST goes through evergreen proxy too. disgo wants the id of the application in base64 and a dot at its beginning.",
		Allowed: "32 characters or more, without spaces",
		check:   checkProxyToken,
	},
	{
		Name: "PROXY_TLS_CERT", Group: groupBots, Place: true,
		Meaning: "A file with the certificate for wss and https, in PEM. Empty: ws and http.",
		Allowed: "a path",
		check: func(c *Config) string {
			if (c.ProxyTLSCert == "") != (c.ProxyTLSKey == "") {
				return "PROXY_TLS_CERT and PROXY_TLS_KEY belong together"
			}
			return ""
		},
	},
	{
		Name: "PROXY_TLS_KEY", Group: groupBots, Place: true,
		Meaning: "The file with the key of PROXY_TLS_CERT.",
		Allowed: "a path",
	},
	{
		Name: "PROXY_URL", Group: groupBots, Place: true,
		Meaning: "What bots are told to connect to, where they know this machine by another name: in a container, or behind a reverse proxy.",
		Allowed: "ws://host:port or wss://host:port",
		check:   checkProxyURL,
	},
	{
		Name: "PROXY_INTENTS", Group: groupBots,
		Meaning: "The intents that evergreen proxy asks Discord for. Empty: those that the bot asks for, from its first start on.",
		Allowed: "a list of intents such as GUILDS, GUILD_MESSAGES, MESSAGE_CONTENT, or their number",
	},
	{
		Name: "PROXY_BOT_SHARDS", Group: groupBots,
		Default: "1",
		Meaning: "How many shards evergreen proxy recommends to bots. It need not be the number of SHARDS, and one is enough for a bot of any size.",
		Allowed: "1 to 10000",
		check:   numberBetween(func(c *Config) int { return c.ProxyBotShards }, 1, 10000),
	},
	{
		Name: "PROXY_BACKLOG", Group: groupBots,
		Default: "64MiB",
		Meaning: "How much memory the events may take that wait for a bot. The content of what does not fit goes to the disk.",
		Allowed: "1MiB to 8GiB",
		check: func(c *Config) string {
			switch {
			case c.ProxyBacklog < 1<<20:
				return "it is less than 1MiB"
			case c.ProxyBacklog > 8<<30:
				return "it is more than 8GiB"
			}
			return ""
		},
	},
	{
		Name: "PROXY_BACKLOG_DISK", Group: groupBots,
		Default: "512MiB",
		Meaning: "How much may go to the disk of what waits for a bot and does not fit into memory, where each event still takes 200 bytes. What does not fit there either is lost for the bot, the oldest first, and told. 0: nothing goes there.",
		Allowed: "0 to 64GiB",
		check: func(c *Config) string {
			if c.ProxyBacklogDisk > 64<<30 {
				return "it is more than 64GiB"
			}
			return ""
		},
	},
	{
		Name: "PROXY_BACKLOG_AGE", Group: groupBots,
		Default: "3600",
		Meaning: "How long an event waits for a bot.",
		Allowed: "10 seconds to 24h",
		check:   durationBetween(func(c *Config) time.Duration { return c.ProxyBacklogAge }, 10*time.Second, day, ""),
	},
	{
		Name: "PROXY_SETTLE", Group: groupBots,
		Default: "0",
		Meaning: "How long a bot that has just started is given before it gets what happened while it was away. 0: as long as its library needs to be ready.",
		Allowed: "0 to 1m",
		check:   durationBetween(func(c *Config) time.Duration { return c.ProxySettle }, 0, time.Minute, ""),
	},
	{
		Name: "PROXY_INTERACTIONS", Group: groupBots,
		Default: "tell",
		Meaning: "What becomes of a slash command or button that no bot takes in time. tell answers that the bot is restarting; keep gives it to the bot later, which for most is too late.",
		Allowed: "tell, keep",
	},
	{
		Name: "PROXY_AWAY_REPLY", Group: groupBots,
		Meaning: "What tell answers. Empty: that the bot is just restarting, in the language of who asked.",
		Allowed: "text, at most 2000 characters",
		check: func(c *Config) string {
			if utf8.RuneCountInString(c.ProxyAwayReply) > 2000 {
				return "it is longer than 2000 characters"
			}
			return ""
		},
	},
	{
		Name: "PROXY_REST", Group: groupBots, Switch: true,
		Default: "true",
		Meaning: "Pass REST requests of bots on to Discord, within its rate limits. Without this only the gateway is served.",
		Allowed: "true, false",
	},
}
