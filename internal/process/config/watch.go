package config

import (
	"context"
	"crypto/sha256"
	"strings"
	"time"

	"evergreen/internal/regular"
)

// WatchEvery is how often [Watch] looks by default. A change counts when two
// looks have seen the same, so that half a file is never taken for the whole.
const WatchEvery = 2 * time.Second

// Watch looks at the files that settings come from, the .env file and the one
// with the token, until ctx ends. When they have changed it loads everything
// anew and calls changed, with an error where what stands there now cannot be
// used; the error holds no secret. Nothing is said of what was there at the
// beginning.
func Watch(ctx context.Context, from Sources, every time.Duration, changed func(*Loaded, error)) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	taken := digest(from)
	last := taken
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := digest(from)
		if now == last && now != taken {
			taken = now
			changed(Load(from))
		}
		last = now
	}
}

// digest stands for the contents of the files.
func digest(from Sources) (sum [sha256.Size]byte) {
	whole := sha256.New()
	environ := credential(fromEnviron(from.Environ))
	dotenv := values{}
	if from.Dotenv != "" {
		text := readAgain(from.Dotenv)
		whole.Write([]byte(text))
		dotenv, _, _ = parseDotenv(from.Dotenv, text)
	}
	if path := strings.TrimSpace(merge(fromFlags(from.Flags), environ, dotenv)["DISCORD_TOKEN_FILE"].text); path != "" {
		if clean, err := CleanPath(path); err == nil {
			path = clean
		}
		text := readAgain(path)
		whole.Write([]byte("\x00" + path + "\x00" + text))
	}
	return [sha256.Size]byte(whole.Sum(nil))
}

// readAgain reads a file that may have changed; one that is gone is empty. A pipe gives
// its content once, so it never changes.
func readAgain(path string) string {
	text, _, err := regular.Read(path, dotenvMost)
	if err != nil {
		return ""
	}
	return string(text)
}

// Changes names the settings that differ between two configurations, in the
// order of the table.
func Changes(before, after *Loaded) (names []string) {
	old, now := before.texts, after.texts
	for _, s := range table {
		if old[s.Name].Reveal() != now[s.Name].Reveal() {
			names = append(names, s.Name)
		}
	}
	return names
}
