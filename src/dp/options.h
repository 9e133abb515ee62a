/* weir-dp's command line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dp/fit.h"

struct options {
	const char *listen;  /* compatible door; "" = none */
	const char *notify;  /* the agent's socket; "" = none */
	const char *control; /* own door; "" = none */
	const char *user;    /* the worker's account */
	const char *load;    /* file of messages to start with; NULL = none */
	const char *replay;  /* capture file or folder; NULL = live */
	unsigned workers;    /* 1..WORKERS_MAX */
	uint32_t max_flows;
	bool take_over;	     /* from who serves the own door */
	const char *crash;   /* folder for reports; NULL = none */
	bool no_watchdog;    /* one that hangs is let hang */
	bool standalone;     /* no supervisor watches */
	bool tls_10, tls_11; /* -v: these two threats are looked for */
	bool json;	     /* -o json, for replay */
	uint32_t hand_over;  /* replay: after so many frames; 0: never */
	struct fit fit;	     /* not of argv: live, before anything is made */
};

/*
 * Parses argv. 0: go on; otherwise the process is to end with *ret_exit
 * (0 after --help, 2 for a usage error, told on stderr).
 */
int options_parse(struct options *opt, int argc, char **argv, int *ret_exit);
