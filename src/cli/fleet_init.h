/*
 * What the files of `weir fleet init` share: fleet_init.c reads the command line,
 * fleet_write.c makes the files, fleet_next.c tells what is to be done with them,
 * fleet_show.c when certificates end.
 */
#pragma once

#include "cli/fleet_files.h"
#include "cli/fleet_keys.h"
#include "cli/fleet_plan.h"
#include "cli/out.h"

struct fleet_init {
	struct out out;
	struct fleet_plan *plan; /* owned, as what follows */
	struct fleet_files files;
	struct fleet_ca ca, routes;
	const char *dir;
	bool is_new;  /* what only a new fleet is told was said */
	bool changes; /* one that is there: what only that is told was said */
	bool shows;
	/* Of a change: what others need then. */
	bool users;   /* who may what */
	bool editors; /* of a new one, too */
	bool servers; /* which servers there are */
	bool renews;
	bool adds_server;
	unsigned n_servers_go;
};

int fleet_init_make(struct fleet_init *in, struct err *reterr);
/* The lock is held from before fleet.json is read. */
int fleet_init_change(struct fleet_init *in, struct err *reterr);
/* What was made, and what is to be done with it. */
void fleet_init_print(const struct fleet_init *in);
/* All certificates, and when they end. */
void fleet_init_show(const struct fleet_init *in);
