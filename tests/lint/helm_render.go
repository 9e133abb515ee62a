// helm_render CHART RELEASE NAMESPACE SERVICE [VALUES]: what `helm template` prints
// of a chart, as far as ours needs it: Go's templates, sprig, include, toYaml, values
// of a file over the chart's. Objects come in helm's order of kinds. For tests, and
// for tools/gen-kubernetes; helm itself is not in Debian.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"gopkg.in/yaml.v3"
)

var order = []string{"Namespace", "ServiceAccount", "ConfigMap", "ClusterRole", "ClusterRoleBinding", "DaemonSet"}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "helm_render:", err)
		os.Exit(1)
	}
}

func load(path string) map[string]interface{} {
	text, err := os.ReadFile(path)
	must(err)
	v := map[string]interface{}{}
	must(yaml.Unmarshal(text, &v))
	return v
}

// Members of objects are merged, all else is replaced.
func merge(base, over map[string]interface{}) {
	for key, v := range over {
		a, ok := base[key].(map[string]interface{})
		b, also := v.(map[string]interface{})
		if ok && also {
			merge(a, b)
		} else {
			base[key] = v
		}
	}
}

func toYaml(v interface{}) (string, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

func rank(kind string) int {
	for n, k := range order {
		if k == kind {
			return n
		}
	}
	return len(order)
}

type object struct {
	kind, source, text string
}

// The objects of one file.
func objects(name, text string) (all []object) {
	for _, one := range strings.Split("\n"+text, "\n---\n") {
		head := struct{ Kind string }{}
		must(yaml.Unmarshal([]byte(one), &head))
		if head.Kind != "" {
			all = append(all, object{head.Kind, name, strings.Trim(one, "\n")})
		}
	}
	return all
}

func main() {
	chart, values := os.Args[1], load(os.Args[1]+"/values.yaml")
	if len(os.Args) > 5 {
		merge(values, load(os.Args[5]))
	}
	about := load(chart + "/Chart.yaml")
	base := about["name"].(string) + "/templates"
	data := map[string]interface{}{
		"Values": values,
		"Chart": map[string]interface{}{"Name": about["name"], "Version": about["version"],
			"AppVersion": about["appVersion"]},
		"Release":  map[string]interface{}{"Name": os.Args[2], "Namespace": os.Args[3], "Service": os.Args[4]},
		"Template": map[string]interface{}{"BasePath": base},
	}
	t := template.New("chart").Option("missingkey=error").Funcs(sprig.TxtFuncMap())
	t.Funcs(template.FuncMap{
		"toYaml": toYaml,
		"include": func(name string, v interface{}) (string, error) {
			var b bytes.Buffer
			err := t.ExecuteTemplate(&b, name, v)
			return b.String(), err
		},
	})
	files, err := filepath.Glob(chart + "/templates/*")
	must(err)
	for _, f := range files {
		text, err := os.ReadFile(f)
		must(err)
		_, err = t.New(base + "/" + filepath.Base(f)).Parse(string(text))
		must(err)
	}
	var all []object
	for _, f := range files {
		var b bytes.Buffer
		name := base + "/" + filepath.Base(f)
		if strings.HasSuffix(f, ".tpl") {
			continue
		}
		must(t.ExecuteTemplate(&b, name, data))
		if strings.HasSuffix(f, ".yaml") {
			all = append(all, objects(name, b.String())...)
		}
	}
	sort.SliceStable(all, func(a, b int) bool { return rank(all[a].kind) < rank(all[b].kind) })
	for _, o := range all {
		fmt.Printf("---\n# Source: %s\n%s\n", o.source, o.text)
	}
}
