package scenario

// Step is one thing that happens, at one moment or again and again: it sets exactly
// one of the fields that say what.
type Step struct {
	At     *Span `key:"at" says:"When, counted from the start."`
	After  *Span `key:"after" says:"When, counted from the moment the step above is over."`
	Every  Span  `key:"every" says:"Again and again, this far apart; the first time after as long, unless at or after says when."`
	Jitter Span  `key:"jitter" says:"With every: each distance is up to so much shorter or longer."`
	Until  Span  `key:"until" says:"With every: not after this time, counted from the start. Default: the end."`

	Fault       string  `key:"fault" says:"Something goes wrong; docs/faults.md lists them."`
	For         Span    `key:"for" says:"How long it lasts. Default: until it is lifted or has struck count times."`
	Count       int     `key:"count" says:"How often the fault strikes. Default: always while it lasts."`
	Probability float64 `key:"probability" says:"The chance that the fault strikes, above 0 and up to 1. Default 1."`
	Code        int     `key:"code" says:"The close code or HTTP status."`
	Delay       Span    `key:"delay" says:"The time the fault is about."`
	Text        string  `key:"text" says:"A close reason, a body or a payload; with event: its d, as JSON."`
	Host        string  `key:"host" of:"api gateway resume" says:"Limits a network fault to one host."`
	Route       string  `key:"route" says:"Limits a REST fault to one route, such as POST /channels/{channel}/messages."`
	Shard       *int    `key:"shard" says:"Limits the fault to one shard id."`

	Outage  string  `key:"outage" of:"all gateway rest resume network guild" says:"A part of the world is gone: Discord, its gateway, its REST API, the resume address, the bot's network, or one guild."`
	Event   string  `key:"event" says:"Discord sends an event of this type to the first guild, with text as its d, or with the guild."`
	Size    float64 `key:"megabytes" says:"With event: how large its d is made."`
	Times   int     `key:"times" says:"How often it is said, used or sent at that moment. Default 1."`
	Intents string  `key:"intents" of:"on off" says:"The privileged intents are switched on or off."`
	Lift    bool    `key:"lift" says:"All faults are over."`
	End     bool    `key:"end" says:"The scenario is over. Default: a minute after everything else is."`

	Say        string `key:"say" says:"A person writes this; it is a command the bot must answer exactly once, unless chatter says otherwise."`
	DM         string `key:"dm" says:"A person writes this to the bot as a direct message, which it must answer like say."`
	Chatter    bool   `key:"chatter" says:"With say and dm: nobody expects an answer."`
	Interact   string `key:"interact" says:"A person uses this slash command, without the slash, whether it is registered or not."`
	Use        string `key:"use" says:"A person uses this registered command, with its sub-commands behind it, such as config channel set; or a command of the context menu, with target."`
	Complete   string `key:"complete" says:"A person types this slash command and waits for what the bot proposes for the option that focused names."`
	Press      string `key:"press" says:"A person presses the button with this custom_id or label."`
	Choose     string `key:"choose" says:"A person chooses values in the menu with this custom_id or placeholder."`
	Submit     Values `key:"submit" says:"A person fills in the modal that the bot has shown them last: values by custom_id."`
	Edit       string `key:"edit" says:"A person edits their last message in the channel so that it reads this."`
	Delete     string `key:"delete" of:"own last" says:"A person deletes their last message in the channel, or the bot's."`
	React      string `key:"react" says:"A person puts this emoji under a message."`
	Unreact    string `key:"unreact" says:"A person takes this emoji away again."`
	Vote       string `key:"vote" number:"too" says:"A person votes for an answer of the poll in a message: its number, counted from 1."`
	Unvote     string `key:"unvote" number:"too" says:"A person takes the vote for this answer back."`
	Type       bool   `key:"type" says:"A person begins to type."`
	Join       string `key:"join" says:"A new person of this name joins a guild, or somebody who left comes back."`
	Leave      string `key:"leave" number:"too" says:"This person leaves a guild."`
	Invite     string `key:"invite" says:"A new person of this name joins by the invite in the bot's last message."`
	JoinVoice  string `key:"join_voice" says:"A person joins this voice channel, such as voice-1, or moves to it."`
	LeaveVoice bool   `key:"leave_voice" says:"A person leaves the voice channel they are in."`
	Thread     string `key:"thread" says:"A person starts a thread of this name; a later step can be in it."`

	As       string   `key:"as" number:"too" says:"The person who does it, by name or number: person-2, or 2. Default: for what begins something the next in turn, else who did the last step."`
	In       string   `key:"in" number:"too" says:"Where: a channel by name or number, such as room-1, guild-2/room-1, the name of a thread, or dm. For join and leave: a guild. Default: as with as."`
	On       string   `key:"on" of:"last own" says:"Which message: last, the bot's last in the channel that has what it takes, or own, the person's. Default last; with thread: none."`
	Options  Values   `key:"options" says:"The options of the command, by name. Users, channels and roles by their names."`
	Focused  string   `key:"focused" says:"The option that is being typed."`
	Target   string   `key:"target" says:"What the context menu is opened on: a person, such as person-3, or last or own for a message."`
	Values   []string `key:"values" says:"What is chosen: values or labels; users, channels and roles by their names."`
	Answer   string   `key:"answer" of:"message update modal choices" says:"What the bot has to answer with. Default: anything."`
	Contains string   `key:"contains" says:"A text that the bot's answer has to have in it."`

	marks
}

// Values are values by name: texts, numbers, truths, lists of texts, or a
// [discordsim.File], which a file writes as {file: notes.txt, text: What is in it.}
type Values map[string]any
