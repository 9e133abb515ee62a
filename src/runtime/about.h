/*
 * Builds what is told of a container (`about` of runtime.h) from what runtimes
 * say. All that comes in is foreign: what does not fit is left out. Pure. A
 * member for which there is no memory is missing.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/limits.h"

/* Is it an id that may stand in a URL: letters, digits, "_.-"? */
bool about_id_ok(const char *id);

/* Sets a text; NULL and "" are left out, a long one is cut (RUNTIME_NAME_MAX). */
void about_text(json_t *about, const char *key, const char *text);
/* Adds a label, as one of at most RUNTIME_LABELS_MAX. */
void about_label(json_t *about, const char *name, const char *value);
/* Adds "tcp/80" from "80/tcp"; what is no port is left out. */
void about_port(json_t *about, const char *port);

/*
 * When the labels are in: name, service, namespace, pod, as compose, swarm and
 * Kubernetes label their containers. own_name: what the runtime calls it.
 */
void about_place(json_t *about, const char *own_name);

/*
 * The Kubernetes workload that a pod's name was made from: "web" of
 * "web-6d4cf56db6-x2x9z"; else the name itself.
 */
void about_workload_of(const char *pod, char ret[RUNTIME_NAME_MAX]);

/* "2026-11-29T10:57:57.12Z" in seconds since 1970; 0: it is none. */
long long about_time(const char *text);

/* The path of the network namespace in an OCI spec; NULL: it names none. */
const char *about_netns_of(const json_t *spec);
