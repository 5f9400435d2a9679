// How a release behaves: a file that is read again whenever it has changed, so that a release can turn bad while it runs.
package main

import (
	"encoding/json"
	"os"
	"sync"
	"time"
)

// release stands in the file.
type release struct {
	App    string `json:"app"`
	Label  string `json:"label"`
	Digest string `json:"digest"`
	// Every how manieth request is answered with 500; 0 for none.
	FailEvery int `json:"failEvery"`
	// Share of requests answered with 500, spread evenly.
	ErrorRate float64 `json:"errorRate"`
	// Added to each answer.
	LatencyMs int `json:"latencyMs"`
	// What /healthz answers.
	Health int `json:"health"`
	// What /healthz of processes that begin with it answers, whatever comes later; 0 for nothing special.
	NewHealth int `json:"newHealth"`
	// Ends at once with this code when it is not 0.
	Exit int `json:"exit"`
	// Errors and latency come from a feature that this environment variable turns off with "false"; empty for none.
	Feature string `json:"feature"`
}

// isOff tells that the feature with the faults was turned off when the process began.
func (r release) isOff() bool {
	return r.Feature != "" && os.Getenv(r.Feature) == "false"
}

type behaviour struct {
	sync.Mutex
	file    string
	born    release
	written time.Time
	facts   release
	served  int
	owed    float64
}

// follow reads the file now, and obeys its changes; an exit is obeyed without a request too.
func follow(file string) (*behaviour, error) {
	b := &behaviour{file: file}
	if err := b.read(); err != nil {
		return nil, err
	}
	b.born = b.now()
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			b.now()
		}
	}()
	return b, nil
}

func (b *behaviour) now() release {
	b.Lock()
	defer b.Unlock()
	if facts, err := os.Stat(b.file); err == nil && facts.ModTime() != b.written {
		_ = b.read() // the old one holds while a new one cannot be read
	}
	if b.facts.Exit != 0 {
		os.Exit(b.facts.Exit)
	}
	return b.facts
}

func (b *behaviour) read() error {
	facts, err := os.Stat(b.file)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(b.file)
	if err != nil {
		return err
	}
	next := release{Health: 200}
	if err := json.Unmarshal(text, &next); err != nil {
		return err
	}
	if next.isOff() {
		next.FailEvery, next.ErrorRate, next.LatencyMs = 0, 0, 0
	}
	b.facts, b.written, b.owed = next, facts.ModTime(), 0
	return nil
}

// health is what /healthz answers.
func (b *behaviour) health() int {
	if b.born.NewHealth != 0 {
		return b.born.NewHealth
	}
	return b.now().Health
}

// fails counts a request and says whether it goes wrong.
func (b *behaviour) fails(facts release) bool {
	b.Lock()
	defer b.Unlock()
	b.served++
	b.owed += facts.ErrorRate
	if b.owed > 1-1e-9 { // tenths do not add up to one exactly
		b.owed--
		return true
	}
	return facts.FailEvery > 0 && b.served%facts.FailEvery == 0
}
