package main

import (
	"fmt"
	"slices"
	"strings"
)

const introduction = `# What is proven

<!-- Made from docs/statements.tsv and the tests by go run ./tools/conformance; do not edit. -->

%s

A statement is one sentence that a test can prove. **G-** statements say what a bot has to do to stay online with Discord's gateway and REST
API, version 10; **S-** statements say what the simulated Discord does to a bot. A test that proves a statement names it in the last line
of its doc comment; CONTRIBUTING.md shows how. *Open* means that no test names the statement; the code may well keep it. *Comes with ...*
means that it belongs to a part of Evergreen that does not exist yet.

The column "by" says who claims it: **D** Discord's documentation, **R** seen in practice or said by Discord's staff in public, **P** common
practice of clients, **I** our own conclusion or decision, **U** unknown. In S- statements square brackets hold defaults. "Private
code" is a WebSocket close code other than 1000 and 1001; ours is 4900. "Session data" are session id, resume URL and sequence number.
`

// choices lists what the simulator does where Discord's documentation is silent.
const choices = `
## Where Discord is silent

Some things are not documented. The simulator has to do something all the same; this is what, and most of it can be switched. The bot relies
on none of it: where two readings are possible, it keeps to the stricter one.

| question | the simulator's answer |
| --- | --- |
| close code when heartbeats stop | 1000 without a reason, session kept; 4009 and a reset are the other modes |
| how late a heartbeat may be | 9 s over the interval |
| life of a session after a drop | 90 s |
| replay buffer | 5,000 events or 50 MB |
| sequence number too old for the buffer | op 9 ` + "`d:false`" + ` |
| wrong token in RESUME | op 9 ` + "`d:false`" + ` |
| deadline for IDENTIFY | none, heartbeats keep the connection; 30 s and close 4009 as an option |
| order of the checks of IDENTIFY | token, intents, shard, budget, concurrency |
| too many presence updates | dropped and recorded |
| window of the 120 sends in 60 s | sliding; fixed as an option |
| refused IDENTIFY and the budget | 4004, 4010, 4013, 4014 and op 9 do not count; counting is an option |
| IDENTIFY without ` + "`intents`" + ` | 4013 |
| RESUME of a session that is attached | the older connection is dropped without a close frame |
| RESUMED has a sequence number of its own | yes |
| INTERACTION_CREATE with several sessions of one shard | each gets it |
| scope of a nonce | the author alone |
`

// coverage is how far a statement is proven.
type coverage int

const (
	open    coverage = iota
	planned          // belongs to a part that does not exist yet
	partial          // belongs to such a part, and something of it is proven
	covered
)

func (st *statement) coverage() coverage {
	switch {
	case st.planned == "" && len(st.tests) == 0:
		return open
	case st.planned == "":
		return covered
	case len(st.tests) == 0:
		return planned
	}
	return partial
}

// writePage returns docs/conformance.md.
func writePage(sections []*section) string {
	var b strings.Builder
	fmt.Fprintf(&b, introduction, "**"+summarise(sections)+"**")
	part := ""
	for _, s := range sections {
		if len(s.statements) == 0 {
			continue
		}
		if p := s.statements[0].id[:1]; p != part {
			part = p
			fmt.Fprintf(&b, "\n## %s\n", map[string]string{"G": "The bot", "S": "The simulated Discord"}[part])
		}
		fmt.Fprintf(&b, "\n### %s\n\n| id | by | statement | proven by |\n| --- | --- | --- | --- |\n", s.title)
		for _, st := range s.statements {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", st.id, st.evidence, cell(st.text), proof(st))
		}
	}
	b.WriteString(choices)
	return b.String()
}

func proof(st *statement) string {
	tests := slices.Clone(st.tests)
	slices.Sort(tests)
	for i, t := range tests {
		tests[i] = "`" + t + "`"
	}
	proof := strings.Join(tests, ", ")
	switch st.coverage() {
	case open:
		return "open"
	case planned:
		return "open: comes with " + st.planned
	case partial:
		return "in part: " + proof + "; the rest comes with " + st.planned
	}
	return proof
}

// cell keeps a text from ending its cell or being taken for HTML. Between
// backticks "<" is safe, and an entity would be shown as it is.
func cell(text string) string {
	parts := strings.Split(strings.ReplaceAll(text, "|", `\|`), "`")
	for i := 0; i < len(parts); i += 2 {
		parts[i] = strings.ReplaceAll(parts[i], "<", "&lt;")
	}
	return strings.Join(parts, "`")
}

// summarise returns the counts on one line.
func summarise(sections []*section) string {
	var total, whole [2]int // G and S
	var part, waiting, left int
	for _, s := range sections {
		for _, st := range s.statements {
			kind := strings.Index("GS", st.id[:1])
			total[kind]++
			switch st.coverage() {
			case covered:
				whole[kind]++
			case partial:
				part++
			case planned:
				waiting++
			case open:
				left++
			}
		}
	}
	return fmt.Sprintf("%d of %d G and %d of %d S statements are covered by tests, %d in part; %d come with parts that do not exist yet, %d are open.",
		whole[0], total[0], whole[1], total[1], part, waiting, left)
}
