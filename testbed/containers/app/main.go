// A release in a container: answers users, tells its metrics, and logs every request to its output.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// release stands in /release.json of the image.
type release struct {
	App string `json:"app"`
	// Every how manieth request is answered with 500; 0 for none.
	FailEvery int `json:"failEvery"`
	// What /healthz answers.
	Health int `json:"health"`
	// Ends at once with this code when it is not 0.
	Exit int `json:"exit"`
}

func main() {
	var facts release
	text, err := os.ReadFile("/release.json")
	if err == nil {
		err = json.Unmarshal(text, &facts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if facts.Exit != 0 {
		os.Exit(facts.Exit)
	}
	serve(facts, os.Getenv("RELEASE"), "127.0.0.1:"+os.Getenv("PORT"))
}

func serve(facts release, label string, address string) {
	counts := newCounter(facts.App, label)
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(facts.Health) })
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, counts.text()) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		code := counts.next(facts.FailEvery)
		fmt.Printf("{\"at\":%d,\"release\":%q,\"path\":%q,\"status\":%d}\n", time.Now().UnixMilli(), label, r.URL.Path, code)
		w.Header().Set("x-release", label)
		w.WriteHeader(code)
		fmt.Fprintln(w, label)
	})
	server := &http.Server{Addr: address, Handler: mux}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	go func() {
		<-ended
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type counter struct {
	sync.Mutex
	app, label string
	served     int
	byCode     map[int]int
}

func newCounter(app string, label string) *counter {
	return &counter{app: app, label: label, byCode: map[int]int{200: 0, 500: 0}}
}

// next counts a request and says how to answer it.
func (c *counter) next(failEvery int) int {
	c.Lock()
	defer c.Unlock()
	c.served++
	code := 200
	if failEvery > 0 && c.served%failEvery == 0 {
		code = 500
	}
	c.byCode[code]++
	return code
}

func (c *counter) text() string {
	c.Lock()
	defer c.Unlock()
	var lines strings.Builder
	lines.WriteString("# TYPE http_requests_total counter\n")
	for code, count := range c.byCode {
		fmt.Fprintf(&lines, "http_requests_total{app=%q,release=%q,code=\"%d\"} %d\n", c.app, c.label, code, count)
	}
	return lines.String()
}
