/*
 * The ports that a workload listens on, as the agent told them: a hint as to
 * who is the server where a connection's beginning was not seen.
 *
 * Immutable once made; counted by the control thread alone, as a policy. Workers
 * read it through the snapshot that holds a count.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/ctrl.h"

struct port_set;

/*
 * n in 0..ENDPOINT_APPS_MAX, in any order, each as often as it likes. NULL: out
 * of memory. Count 1; port_set_put() by the caller.
 */
struct port_set *port_set_new(const struct app_port *ports, size_t n);
/* Both accept NULL. */
struct port_set *port_set_get(struct port_set *s);
void port_set_put(struct port_set *s);

/* Is it in there? NULL holds none. Any thread. */
bool port_set_has(const struct port_set *s, uint8_t proto, uint16_t port);
