package proxy

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

// rest measures how much later a request is answered through Evergreen, beside the same
// request directly, in turns and within Discord's global limit.
func (r *Run) rest(ctx context.Context) ([]Row, error) {
	d, e, end, err := r.behind(ctx, 1)
	if err != nil {
		return nil, err
	}
	defer end()
	var took [2][]time.Duration
	ticker := time.NewTicker(time.Second / 40)
	defer ticker.Stop()
	bases, clients := [2]string{e.rest, d.APIURL()}, [2]http.Client{}
	for i := range clients {
		clients[i].Transport = &http.Transport{}
	}
	for i := range int(r.Lasting.Seconds() * 40) {
		<-ticker.C
		for turn := range bases {
			k := (i + turn) % len(bases) // the second finds everything awake
			one, err := request(ctx, &clients[k], fmt.Sprintf("%s/channels/130000000000000000%d", bases[k], i%10))
			if err != nil {
				return nil, err
			}
			if i >= 10 { // connections are there
				took[k] = append(took[k], one)
			}
		}
	}
	row := func(name, goal string, part float64) Row {
		behind, direct := percentile(took[0], part), percentile(took[1], part)
		return Row{What: "a REST request, " + name, Goal: "+ " + goal, Behind: milliseconds(behind) + " (+ " + milliseconds(behind-direct) + ")", Beside: milliseconds(direct)}
	}
	return []Row{row("p50", "0.3 ms", 0.5), row("p99", "2 ms", 0.99)}, ctx.Err()
}

func request(ctx context.Context, client *http.Client, address string) (time.Duration, error) {
	began := time.Now()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bot "+token)
	r.Header.Set("User-Agent", "DiscordBot (https://example.com, 1)")
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the answer was %s", response.Status)
	}
	return time.Since(began), err
}
