package trial

import "time"

// Figures is how one bot did in one scenario.
type Figures struct {
	Scenario string `json:"scenario"`
	Peer     string `json:"peer"`
	// NotRun says why there are no figures.
	NotRun string `json:"not_run,omitempty"`

	// Ready is the time from the start of the process to READY.
	Ready time.Duration `json:"start_to_ready_ns"`
	// Green is the time from the scenario's mark until the bot was online for good;
	// Back is whether it was. Watched is how long it was watched from that mark.
	Green   time.Duration `json:"time_to_green_ns"`
	Back    bool          `json:"back"`
	Watched time.Duration `json:"watched_ns"`
	// Answered is the time from the mark to the next answer to a command.
	Answered time.Duration `json:"time_to_answer_ns"`
	// Risk is how long the bot had no working connection; Grey is how long users saw
	// it offline.
	Risk time.Duration `json:"at_risk_ns"`
	Grey time.Duration `json:"grey_ns"`
	// Asked counts the commands, Lost those that were heard and never answered,
	// Unheard those that there was no session for, Twice those answered twice.
	Asked   int `json:"asked"`
	Lost    int `json:"lost"`
	Unheard int `json:"unheard"`
	Twice   int `json:"twice"`
	Waiting int `json:"waiting"`
	// Slowest is the longest a command waited for its answer.
	Slowest time.Duration `json:"slowest_answer_ns"`

	Identifies int      `json:"identifies"`
	Resumes    int      `json:"resumes"`
	Dials      int      `json:"dials"`
	Requests   int      `json:"rest_requests"`
	Violations int      `json:"violations"`
	Broken     []string `json:"violated,omitempty"`

	// PerEvent is the CPU time of one event of the burst: the median of three.
	PerEvent time.Duration `json:"cpu_per_event_ns,omitempty"`
	CPU      time.Duration `json:"cpu_ns"`
	RSS      int64         `json:"rss_bytes"`
	Own      int64         `json:"anonymous_rss_bytes"`
	Peak     int64         `json:"peak_rss_bytes"`
	Exit     string        `json:"exit"`
	// Alive is whether it still ran at the end, before it was asked to stop.
	Alive bool `json:"alive"`
	// Compression is what it asked for.
	Compression string `json:"compression"`
}
