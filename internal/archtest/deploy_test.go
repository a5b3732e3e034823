package archtest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"evergreen/internal/process/config"

	"go.yaml.in/yaml/v3"
)

// deployed reads a file that people deploy with.
func deployed(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "deploy", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// at walks down a YAML document: a text names a key, a number an item.
func at(t *testing.T, document any, path ...any) any {
	t.Helper()
	for i, step := range path {
		var next any
		switch here := document.(type) {
		case map[string]any:
			next = here[fmt.Sprint(step)]
		case []any:
			if n, ok := step.(int); ok && n < len(here) {
				next = here[n]
			}
		}
		if next == nil {
			t.Fatalf("there is nothing at %v", path[:i+1])
		}
		document = next
	}
	return document
}

// pinned is the name of an image that cannot become another one: the tag is for
// people, the digest for Docker.
var pinned = regexp.MustCompile(`^[a-z0-9./-]+:[A-Za-z0-9._-]+@sha256:[0-9a-f]{64}$`)

// tagged is the name of an image with a tag that does not move by itself.
var tagged = regexp.MustCompile(`^[a-z0-9./-]+:([A-Za-z0-9._-]+)(@sha256:[0-9a-f]{64})?$`)

// hasFixedTag reports whether an image's name says which version it is.
func hasFixedTag(image string) bool {
	m := tagged.FindStringSubmatch(image)
	return m != nil && m[1] != "latest"
}

// Given the Dockerfile, then what it copies is there, the program in the image
// is static and runs without rights, and the command that says whether it is
// healthy exists.
func TestDockerfile(t *testing.T) {
	text := strings.ReplaceAll(deployed(t, "docker/Dockerfile"), "\\\n", " ")
	var stages []string
	user := "root"
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		switch words[0] {
		case "FROM":
			if !pinned.MatchString(words[1]) {
				t.Errorf("%q is not pinned: want name:tag@sha256:digest", words[1])
			}
			if len(words) == 4 {
				stages = append(stages, words[3])
			}
			user = "root"
		case "COPY":
			sources, from := words[1:len(words)-1], ""
			sources = slices.DeleteFunc(slices.Clone(sources), func(w string) bool {
				if stage, found := strings.CutPrefix(w, "--from="); found {
					from = stage
				}
				return strings.HasPrefix(w, "--")
			})
			for _, source := range sources {
				if from == "" {
					if _, err := os.Stat(filepath.Join(root, source)); err != nil {
						t.Errorf("COPY of what is not there: %v", err)
					}
				} else if !slices.Contains(stages, from) {
					t.Errorf("COPY from stage %q, which is not there", from)
				}
			}
		case "USER":
			user = words[1]
		case "RUN":
			if strings.Contains(line, "go build") && !strings.Contains(line, "CGO_ENABLED=0") {
				t.Error("the program is not static")
			}
		case "ARG", "ENV", "WORKDIR", "VOLUME", "ENTRYPOINT", "CMD":
		case "HEALTHCHECK":
			if !strings.Contains(line, `CMD ["/evergreen", "status"]`) {
				t.Errorf("nobody knows this health check: %s", line)
			}
		default:
			t.Errorf("what is %q?", words[0])
		}
	}
	if user == "root" {
		t.Error("the program runs as root")
	}
	module, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	_, needs, _ := strings.Cut(string(module), "\ngo ")
	needs, _, _ = strings.Cut(needs, "\n")
	if minor := strings.Join(strings.Split(needs, ".")[:2], "."); !strings.Contains(text, "golang:"+minor) {
		t.Errorf("go.mod wants Go %s, and the Dockerfile has another", needs)
	}
}

// Given the compose file, then a stop has the time that the bot takes, and what
// it refers to is there.
func TestComposeFile(t *testing.T) {
	var document any
	if err := yaml.Unmarshal([]byte(deployed(t, "docker/compose.yaml")), &document); err != nil {
		t.Fatal(err)
	}
	bot := at(t, document, "services", "bot")
	grace, err := time.ParseDuration(at(t, bot, "stop_grace_period").(string))
	if err != nil || grace <= config.Defaults().ShutdownGrace {
		t.Errorf("the stop has %s (%v), and SHUTDOWN_GRACE is %s", grace, err, config.Defaults().ShutdownGrace)
	}
	volume, mount, _ := strings.Cut(at(t, bot, "volumes", 0).(string), ":")
	if _, found := at(t, document, "volumes").(map[string]any)[volume]; !found || mount != "/data" {
		t.Errorf("the state goes to %q on %q", volume, mount)
	}
	at(t, document, "secrets", at(t, bot, "secrets", 0))
	if image := at(t, bot, "image").(string); !hasFixedTag(image) {
		t.Errorf("the image is %q, which may be any", image)
	}
	if _, err := os.Stat(filepath.Join(root, "deploy/docker", at(t, bot, "build", "context").(string), at(t, bot, "build", "dockerfile").(string))); err != nil {
		t.Error(err)
	}
}

// Given the Kubernetes manifest, then its parts fit together: one pod at a time,
// the probes and what they mean, a stop with enough time, the volume that is
// claimed, and no API without a token beyond the pod.
func TestKubernetesManifest(t *testing.T) {
	parts := map[string]any{}
	for decoder := yaml.NewDecoder(strings.NewReader(deployed(t, "kubernetes/evergreen.yaml"))); ; {
		var document map[string]any
		if err := decoder.Decode(&document); err != nil {
			break
		}
		parts[document["kind"].(string)] = document
	}
	set := at(t, parts["StatefulSet"], "spec")
	if replicas := at(t, set, "replicas"); replicas != 1 {
		t.Errorf("%v pods would have one token", replicas)
	}
	labels := at(t, set, "template", "metadata", "labels", "app")
	if at(t, set, "selector", "matchLabels", "app") != labels || at(t, parts["Service"], "spec", "selector", "app") != labels {
		t.Error("the labels do not fit")
	}
	pod := at(t, set, "template", "spec")
	container := at(t, pod, "containers", 0)
	if at(t, pod, "automountServiceAccountToken") != false {
		t.Error("the pod gets a key to the cluster that it does not need")
	}
	if image := at(t, container, "image").(string); !hasFixedTag(image) {
		t.Errorf("the image is %q, which may be any", image)
	}
	for probe, path := range map[string]string{"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"} {
		if got := at(t, container, probe, "httpGet", "path"); got != path {
			t.Errorf("%s asks %v", probe, got)
		}
		if at(t, container, probe, "httpGet", "port") != at(t, container, "ports", 0, "name") {
			t.Errorf("%s asks at another port", probe)
		}
	}
	needed := time.Duration(at(t, container, "lifecycle", "preStop", "sleep", "seconds").(int))*time.Second + config.Defaults().ShutdownGrace
	if given := time.Duration(at(t, pod, "terminationGracePeriodSeconds").(int)) * time.Second; given <= needed {
		t.Errorf("the stop has %s and takes up to %s", given, needed)
	}
	if at(t, pod, "volumes", 0, "persistentVolumeClaim", "claimName") != at(t, parts["PersistentVolumeClaim"], "metadata", "name") ||
		at(t, pod, "volumes", 0, "name") != at(t, container, "volumeMounts", 0, "name") || at(t, container, "volumeMounts", 0, "mountPath") != "/data" {
		t.Error("the state is not kept")
	}
	var names []string
	for _, variable := range at(t, container, "env").([]any) {
		names = append(names, at(t, variable, "name").(string))
	}
	for _, name := range []string{"DISCORD_TOKEN", "API_ADDR", "API_TOKEN"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not set: %v", name, names)
		}
	}
}

// Given the file for PM2, then it leaves the bot alone where another start would
// change nothing.
func TestPM2File(t *testing.T) {
	for _, want := range []string{"stop_exit_codes: [0, 78]", `interpreter: "none"`, "instances: 1", "kill_timeout: 20000"} {
		if text := deployed(t, "pm2/ecosystem.config.js"); !strings.Contains(text, want) {
			t.Errorf("it has no %s", want)
		}
	}
}
