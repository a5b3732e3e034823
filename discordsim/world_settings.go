package discordsim

import (
	"encoding/json"
	"slices"
	"strconv"
)

// setting is a field of a channel or a guild that a client may change and that means
// nothing to the simulator beyond what it shows.
type setting struct {
	name    string
	initial any
	// read reads the field of a form that has it; it adds an error where it is wrong.
	read func(f *form, name string) any
	// kinds are the channel types that have the field; nil is all.
	kinds []int
}

// settings are the changed ones, by name.
type settings map[string]any

func readText(low, high int) func(*form, string) any {
	return func(f *form, name string) any { return f.between(name, low, high) }
}

func readWhole(low, high int64) func(*form, string) any {
	return func(f *form, name string) any { return f.numberIn(name, low, high) }
}

func readOneOf(allowed ...int64) func(*form, string) any {
	return func(f *form, name string) any { return f.choice(name, allowed...) }
}

func readTruth(f *form, name string) any { return f.truth(name) }

func readID(f *form, name string) any { return f.id(name) }

// readAny takes what is there as it is.
func readAny(f *form, name string) any { return json.RawMessage(f.fields[name]) }

// channelSettings are the plain fields of channels.
var channelSettings = []setting{
	{"topic", nil, readText(0, 1024), []int{channelText, channelNews}},
	{"topic", nil, readText(0, 4096), []int{channelForum, channelMedia}},
	{"nsfw", false, readTruth, []int{channelText, channelNews, channelVoice, channelStage, channelForum, channelMedia}},
	{"rate_limit_per_user", 0, readWhole(0, 21_600), []int{channelText, channelNews, channelVoice, channelStage, channelForum, channelMedia}},
	{"bitrate", 64_000, readWhole(8000, 384_000), []int{channelVoice, channelStage}},
	{"user_limit", 0, readWhole(0, 10_000), []int{channelVoice, channelStage}},
	{"rtc_region", nil, readText(0, 32), []int{channelVoice, channelStage}},
	{"video_quality_mode", 1, readOneOf(1, 2), []int{channelVoice, channelStage}},
	{"default_auto_archive_duration", 1440, readOneOf(archiveDurations...), []int{channelText, channelNews, channelForum, channelMedia}},
	{"default_thread_rate_limit_per_user", 0, readWhole(0, 21_600), []int{channelText, channelNews, channelForum, channelMedia}},
	{"default_reaction_emoji", nil, readAny, []int{channelForum, channelMedia}},
	{"default_sort_order", nil, readOneOf(0, 1), []int{channelForum, channelMedia}},
	{"default_forum_layout", 0, readOneOf(0, 1, 2), []int{channelForum}},
}

// archiveDurations are the minutes without a message after which a thread may be archived.
var archiveDurations = []int64{60, 1440, 4320, 10080}

// guildSettings are the plain fields of guilds.
var guildSettings = []setting{
	{name: "description", read: readText(0, 300)},
	{name: "icon", read: readImageHash},
	{name: "features", initial: []string{}, read: readFeatures},
	{name: "preferred_locale", initial: "en-US", read: readText(2, 8)},
	{name: "verification_level", initial: 0, read: readWhole(0, 4)},
	{name: "default_message_notifications", initial: 0, read: readOneOf(0, 1)},
	{name: "explicit_content_filter", initial: 0, read: readWhole(0, 2)},
	{name: "afk_channel_id", read: readID},
	{name: "afk_timeout", initial: 300, read: readOneOf(60, 300, 900, 1800, 3600)},
	{name: "system_channel_id", read: readID},
	{name: "system_channel_flags", initial: 0, read: readWhole(0, 1<<10)},
	{name: "rules_channel_id", read: readID},
	{name: "public_updates_channel_id", read: readID},
	{name: "safety_alerts_channel_id", read: readID},
	{name: "premium_progress_bar_enabled", initial: false, read: readTruth},
}

// readFeatures reads the features of a guild, also those that only Discord itself gives: a
// client sends back all that it has seen.
func readFeatures(f *form, name string) any {
	features := []string{}
	for i, raw := range f.list(name, 0) {
		var feature string
		if json.Unmarshal(raw, &feature) != nil {
			f.refuse(name+"."+strconv.Itoa(i), "STRING_TYPE_CONVERT", "Could not interpret %q as string.", clip(raw))
		}
		features = append(features, feature)
	}
	return features
}

// has reports whether a channel of a type has the field.
func (s setting) has(kind int) bool { return s.kinds == nil || slices.Contains(s.kinds, kind) }

// readSettings reads the fields that a form has into a copy and lists what changed.
// Null sets a field back.
func readSettings(f *form, table []setting, kind int, now settings) (edited settings, changes []change) {
	edited = settings{}
	for name, value := range now {
		edited[name] = value
	}
	for _, s := range table {
		if !f.given(s.name) || !s.has(kind) {
			continue
		}
		value := s.initial
		if f.has(s.name) {
			value = s.read(f, s.name)
		}
		before, changed := now[s.name]
		if !changed {
			before = s.initial
		}
		edited[s.name] = value
		if string(marshal(before)) != string(marshal(value)) {
			changes = append(changes, change{s.name, before, value})
		}
	}
	return edited, changes
}

// show adds the fields to an object.
func (now settings) show(out map[string]any, table []setting, kind int) {
	for _, s := range table {
		if !s.has(kind) {
			continue
		}
		if out[s.name] = s.initial; now[s.name] != nil {
			out[s.name] = now[s.name]
		}
	}
}
