// A release in a container or a pod: answers users, tells its metrics, and logs every request.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	file := setting("RELEASE_FILE", "/release.json")
	facts, err := follow(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	log, err := openLog(os.Getenv("REQUEST_LOG"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	app := &service{
		label:   setting("RELEASE", facts.now().Label),
		facts:   facts,
		log:     log,
		metrics: newMetrics(facts.now().App, setting("RELEASE", facts.now().Label)),
	}
	serve(app, setting("HOST", "127.0.0.1")+":"+os.Getenv("PORT"))
}

func setting(name string, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

type service struct {
	label   string
	facts   *behaviour
	log     *requestLog
	metrics *metrics
}

func serve(app *service, address string) {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(app.facts.health()) })
	mux.Handle("/metrics", app.metrics.handler())
	mux.Handle("/", promhttp.InstrumentHandlerInFlight(app.metrics.open, http.HandlerFunc(app.answer)))
	server := &http.Server{Addr: address, Handler: mux}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	drained := make(chan struct{})
	go func() {
		<-ended
		_ = server.Shutdown(context.Background())
		close(drained)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-drained
}

// answer says who answers; what it was asked does not matter.
func (app *service) answer(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	facts := app.facts.now()
	if facts.LatencyMs > 0 {
		time.Sleep(time.Duration(facts.LatencyMs) * time.Millisecond)
	}
	code := http.StatusOK
	if app.facts.fails(facts) {
		code = http.StatusInternalServerError
	}
	app.metrics.served(r.Method, pathLabel(r.URL.Path), code, time.Since(began))
	app.log.write(served{
		At:      began.UnixMilli(),
		Release: app.label,
		Method:  r.Method,
		Path:    r.URL.Path,
		Status:  code,
		Proxied: r.Header.Get("x-forwarded-for") != "",
		Preview: r.Header.Get("x-sluice-preview") != "",
		Load:    optional(r.Header.Get("x-load-id")),
	})
	w.Header().Set("x-release", app.label)
	if r.URL.Path == "/api/whoami" {
		w.Header().Set("content-type", "application/json")
		w.WriteHeader(code)
		_ = json.NewEncoder(w).Encode(map[string]string{"app": facts.App, "release": app.label, "digest": facts.Digest})
		return
	}
	if r.URL.Path == "/api/echo" {
		w.Header().Set("content-type", "application/json")
		w.WriteHeader(code)
		_, _ = io.Copy(w, io.LimitReader(r.Body, 64*1024))
		return
	}
	w.WriteHeader(code)
	fmt.Fprintln(w, app.label)
}

// pathLabel keeps strangers from inventing series.
func pathLabel(path string) string {
	switch path {
	case "/", "/api/whoami", "/api/echo":
		return path
	}
	return "other"
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
