// Code generated from the table of settings by go generate; DO NOT EDIT.

package config

// Flags are the settings as flags of a command: embed them into the command's
// struct and call [Flags.Load] in its Run method. Secrets have no flag.
type Flags struct {
	// EnvFile is the .env file to read instead of the one in the working
	// directory. It must exist.
	EnvFile string `name:"env-file" placeholder:".env" help:"File with settings, one NAME=value a line." group:"Settings: files"`

	TokenFile            *string `setting:"DISCORD_TOKEN_FILE" name:"token-file" placeholder:"..." help:"A file that holds the token instead, such as a container secret. (DISCORD_TOKEN_FILE)" group:"Settings: Discord"`
	APIURL               *string `setting:"DISCORD_API_URL" name:"discord-api-url" placeholder:"https://discord.com/api/v10" help:"Base address of the REST API; the gateway's address comes from there. A simulator or proxy may use http. Without a path, /api/v10 is added. (DISCORD_API_URL)" group:"Settings: Discord"`
	Activity             *string `setting:"DISCORD_ACTIVITY" name:"activity" placeholder:"watching AI Research | !help" help:"The line under the bot's name. Text without a verb is a custom status; none or an empty value shows nothing. (DISCORD_ACTIVITY)" group:"Settings: Discord"`
	Status               *string `setting:"DISCORD_STATUS" name:"status" placeholder:"online" help:"The colour of the dot while the bot is online. (DISCORD_STATUS)" group:"Settings: Discord"`
	PresenceIntent       *bool   `setting:"DISCORD_PRESENCE_INTENT" name:"presence-intent" negatable:"" help:"Also ask for the presences of members. Needs the Presence Intent switch in the developer portal. (DISCORD_PRESENCE_INTENT)" group:"Settings: Discord"`
	OptionalIntents      *string `setting:"DISCORD_OPTIONAL_INTENTS" name:"optional-intents" placeholder:"..." help:"Privileged intents the bot may start without, degraded, if their switch is off. Without this a refused intent stops the start, with the switch named. (DISCORD_OPTIONAL_INTENTS)" group:"Settings: Discord"`
	Compression          *string `setting:"DISCORD_COMPRESSION" name:"compression" placeholder:"zlib-stream" help:"Compression of the gateway connection. zlib-stream costs about 176 KiB of memory, zstd-stream up to 8.8 MiB. (DISCORD_COMPRESSION)" group:"Settings: Discord"`
	ReadLimit            *string `setting:"DISCORD_READ_LIMIT" name:"read-limit" placeholder:"128MiB" help:"The largest gateway payload that is kept, decompressed. Larger ones are skipped and counted; the connection stays. (DISCORD_READ_LIMIT)" group:"Settings: Discord"`
	HeartbeatTimeout     *string `setting:"DISCORD_HEARTBEAT_TIMEOUT" name:"heartbeat-timeout" placeholder:"60.0" help:"Longest time the answer to a heartbeat may stay out before the connection is replaced. A quiet bot is never disconnected by it. (DISCORD_HEARTBEAT_TIMEOUT)" group:"Settings: Staying online"`
	SilenceProbe         *string `setting:"DISCORD_SILENCE_PROBE" name:"silence-probe" placeholder:"15" help:"Time of complete silence after which an extra heartbeat asks whether Discord is still there. 0 switches it off; then the next regular heartbeat decides. (DISCORD_SILENCE_PROBE)" group:"Settings: Staying online"`
	KeepaliveInterval    *string `setting:"DISCORD_KEEPALIVE_INTERVAL" name:"keepalive-interval" placeholder:"300" help:"Time between two refreshes of the presence, each with a look at the connection. (DISCORD_KEEPALIVE_INTERVAL)" group:"Settings: Staying online"`
	MaxReconnectAttempts *string `setting:"DISCORD_MAX_RECONNECT_ATTEMPTS" name:"max-reconnect-attempts" placeholder:"10" help:"Failed attempts in a row after which the log says so as an ERROR. The bot goes on trying. (DISCORD_MAX_RECONNECT_ATTEMPTS)" group:"Settings: Staying online"`
	ShutdownGrace        *string `setting:"SHUTDOWN_GRACE" name:"shutdown-grace" placeholder:"10" help:"Time that running commands get to finish when the bot is stopped. (SHUTDOWN_GRACE)" group:"Settings: Staying online"`
	CommandPrefix        *string `setting:"DISCORD_COMMAND_PREFIX" name:"command-prefix" placeholder:"!" help:"What a message must start with to be a command. A mention of the bot always works. (DISCORD_COMMAND_PREFIX)" group:"Settings: Commands"`
	SlashCommands        *bool   `setting:"DISCORD_SLASH_COMMANDS" name:"slash-commands" negatable:"" help:"Offer the commands as slash commands too. (DISCORD_SLASH_COMMANDS)" group:"Settings: Commands"`
	OwnerIDs             *string `setting:"DISCORD_OWNER_IDS" name:"owner-ids" placeholder:"..." help:"Users who may use the owner's commands, such as shutdown. Empty: the owner of the application. (DISCORD_OWNER_IDS)" group:"Settings: Commands"`
	CommandCooldown      *string `setting:"COMMAND_COOLDOWN" name:"command-cooldown" placeholder:"2" help:"Time between two commands of one user. 0: no limit. (COMMAND_COOLDOWN)" group:"Settings: Commands"`
	CommandTimeout       *string `setting:"COMMAND_TIMEOUT" name:"command-timeout" placeholder:"30" help:"Time a command may run. (COMMAND_TIMEOUT)" group:"Settings: Commands"`
	CommandConcurrency   *string `setting:"COMMAND_CONCURRENCY" name:"command-concurrency" placeholder:"16" help:"Commands that may run at the same time. (COMMAND_CONCURRENCY)" group:"Settings: Commands"`
	ActivityWarningAfter *string `setting:"ACTIVITY_WARNING_AFTER" name:"activity-warning-after" placeholder:"1800" help:"Time without any activity after which the log warns. 0: never. (ACTIVITY_WARNING_AFTER)" group:"Settings: Warnings"`
	HealthCheckInterval  *string `setting:"HEALTH_CHECK_INTERVAL" name:"health-check-interval" placeholder:"600" help:"Time between two looks of the slow, outer monitor. The connection itself is watched every few seconds. (HEALTH_CHECK_INTERVAL)" group:"Settings: Warnings"`
	OfflineWarningAfter  *string `setting:"OFFLINE_WARNING_AFTER" name:"offline-warning-after" placeholder:"1800" help:"Time offline after which the monitor warns. 0: never. (OFFLINE_WARNING_AFTER)" group:"Settings: Warnings"`
	DiscordStatusURL     *string `setting:"DISCORD_STATUS_URL" name:"discord-status-url" placeholder:"https://discordstatus.com/api/v2/summary.json" help:"Where Discord says how it is, asked once a minute, so that trouble there is told apart from trouble here. Empty or none: not asked. With a DISCORD_API_URL that is not Discord's it is not asked either, unless it is set. (DISCORD_STATUS_URL)" group:"Settings: Warnings"`
	APIAddr              *string `setting:"API_ADDR" name:"api-addr" placeholder:"127.0.0.1:8000" help:"Where the HTTP API listens. An address other machines can reach needs API_TOKEN for all but the probes. (API_ADDR)" group:"Settings: HTTP API"`
	AlertEmailTo         *string `setting:"ALERT_EMAIL_TO" name:"alert-email-to" placeholder:"..." help:"Who gets alerts by e-mail. (ALERT_EMAIL_TO)" group:"Settings: Alerts"`
	AlertEmailFrom       *string `setting:"ALERT_EMAIL_FROM" name:"alert-email-from" placeholder:"..." help:"The sender of these e-mails. Empty: the first of ALERT_EMAIL_TO. (ALERT_EMAIL_FROM)" group:"Settings: Alerts"`
	AlertSMTPAddr        *string `setting:"ALERT_SMTP_ADDR" name:"alert-smtp-addr" placeholder:"..." help:"The mail server. Port 465 is encrypted from the start, every other one after STARTTLS, which a server that is not on this machine has to offer. (ALERT_SMTP_ADDR)" group:"Settings: Alerts"`
	AlertSMTPUser        *string `setting:"ALERT_SMTP_USER" name:"alert-smtp-user" placeholder:"..." help:"The login at the mail server, if it wants one. (ALERT_SMTP_USER)" group:"Settings: Alerts"`
	AlertAfter           *string `setting:"ALERT_AFTER" name:"alert-after" placeholder:"60" help:"Time without a connection after which an alert goes out, and time with one after which it is taken back. What only you can mend is told at once. (ALERT_AFTER)" group:"Settings: Alerts"`
	AlertRemindEvery     *string `setting:"ALERT_REMIND_EVERY" name:"alert-remind-every" placeholder:"3600" help:"Time between two reminders while the bot stays away. 0: none. (ALERT_REMIND_EVERY)" group:"Settings: Alerts"`
	AlertMaxPerHour      *string `setting:"ALERT_MAX_PER_HOUR" name:"alert-max-per-hour" placeholder:"12" help:"The most alerts and reminders in an hour. What is held back is counted in the next one; that all is well again is always told. (ALERT_MAX_PER_HOUR)" group:"Settings: Alerts"`
	AlertRunbookURL      *string `setting:"ALERT_RUNBOOK_URL" name:"alert-runbook-url" placeholder:"docs/runbook.md" help:"Where the links of alerts lead: a place that shows the runbook, such as /runbook of the HTTP API. (ALERT_RUNBOOK_URL)" group:"Settings: Alerts"`
	DeadmanPingInterval  *string `setting:"DEADMAN_PING_INTERVAL" name:"deadman-ping-interval" placeholder:"60" help:"Time between two such calls. (DEADMAN_PING_INTERVAL)" group:"Settings: Alerts"`
	StatusPage           *bool   `setting:"STATUS_PAGE" name:"status-page" negatable:"" help:"Show a public status page at /status: whether the bot is online and how it has been, without details. (STATUS_PAGE)" group:"Settings: HTTP API"`
	LogLevel             *string `setting:"LOG_LEVEL" name:"log-level" placeholder:"info" help:"The least important lines that are logged. (LOG_LEVEL)" group:"Settings: Logs"`
	LogFormat            *string `setting:"LOG_FORMAT" name:"log-format" placeholder:"text" help:"Lines for people or for programs. (LOG_FORMAT)" group:"Settings: Logs"`
	LogFile              *string `setting:"LOG_FILE" name:"log-file" placeholder:"logs/bot.log" help:"The log file, beside the console. Empty, - or none: no file. (LOG_FILE)" group:"Settings: Logs"`
	LogMaxSizeMB         *string `setting:"LOG_MAX_SIZE_MB" name:"log-max-size-mb" placeholder:"10" help:"Size in MiB at which the log file is set aside and a new one begun. (LOG_MAX_SIZE_MB)" group:"Settings: Logs"`
	LogMaxBackups        *string `setting:"LOG_MAX_BACKUPS" name:"log-max-backups" placeholder:"5" help:"Log files set aside that are kept. 0: all of them, until LOG_MAX_AGE_DAYS. (LOG_MAX_BACKUPS)" group:"Settings: Logs"`
	LogMaxAgeDays        *string `setting:"LOG_MAX_AGE_DAYS" name:"log-max-age-days" placeholder:"28" help:"Days after which a log file is set aside, and one set aside is deleted. 0: never for its age. (LOG_MAX_AGE_DAYS)" group:"Settings: Logs"`
	StateDir             *string `setting:"EVERGREEN_STATE_DIR" name:"state-dir" placeholder:"data" help:"Folder of the database and of the lock that keeps a second copy of the bot from starting. (EVERGREEN_STATE_DIR)" group:"Settings: State"`
}
