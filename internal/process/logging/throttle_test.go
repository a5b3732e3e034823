package logging

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// So many lines pass in a minute, and the first one after it says how many were held back.
func TestThrottle(t *testing.T) {
	now := time.Now()
	for lines, want := range map[int]int{0: 1, 3: 3} {
		throttle := Throttle{Lines: lines}
		passed := 0
		for range 10 {
			if held, ok := throttle.Pass(now); ok {
				passed++
				if held != 0 {
					t.Errorf("%d were held back at first", held)
				}
			}
		}
		held, ok := throttle.Pass(now.Add(time.Minute))
		if passed != want || !ok || held != 10-want {
			t.Errorf("%d a minute: %d of 10 passed, and then one after %d: %v", lines, passed, held, ok)
		}
	}
}

// A line passes each minute.
func TestThrottleOverMinutes(t *testing.T) {
	var throttle Throttle
	at := time.Now()
	var got []string
	for i := range 130 {
		if held, ok := throttle.Pass(at.Add(time.Duration(i) * time.Second)); ok {
			got = append(got, fmt.Sprint(i, ":", held))
		}
	}
	if s := strings.Join(got, " "); s != "0:0 60:59 120:59" {
		t.Errorf("got %s", s)
	}
}
