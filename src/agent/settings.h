/*
 * What may be set while the agent runs, beside the policy: some keys of weir.yaml
 * (store.flows_days, events_days, max_mb, learn.auto_accept), and what the data plane
 * knows as weir_settings. What was set is a document of the store, goes before the
 * file, and is told to each new data plane.
 */
#pragma once

#include "agent/agent.h"

int settings_start(struct agent *a, struct err *reterr);
void settings_stop(struct agent *a);
/* a->config was read (again): what was set goes before it. */
void settings_overlay(struct agent *a);
/* That data plane has come up. */
struct plane;
void settings_tell_plane(const struct agent *a, struct plane *p);
