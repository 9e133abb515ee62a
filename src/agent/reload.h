/*
 * SIGHUP: the configuration and the built-in rules again, read and made beside the
 * main loop (aside.h); what is wrong or cannot be changed while it runs changes
 * nothing.
 */
#pragma once

#include "agent/agent.h"

/* One that comes while another is under way is done after it. */
void reload_begin(struct agent *a);
