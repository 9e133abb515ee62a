/*
 * TCP connections of a bench's workload, spoken frame by frame; each call tells
 * by which reason its frame went on, or, negative, was dropped.
 */
#pragma once

#include "bench.h"

#define SERVER_ISN 9000u
#define CLIENT_ISN 100u

/* With the peer; who opened it: own. */
struct conn {
	struct bench *b;
	bool own;
	uint16_t port; /* the server's */
	uint16_t client_port;
	uint32_t seq[2]; /* of server, client */
};

/* The handshake is over, and was let through. */
struct conn connected(struct bench *b, bool own, uint16_t port);
/* off: from what was said last */
int conn_frame(struct conn *c, bool client, uint8_t flags, const void *bytes,
	       size_t len, int32_t off);
/* What is dropped was not said. */
int say_bytes(struct conn *c, bool client, const void *bytes, size_t len);
int say(struct conn *c, bool client, const char *text);

/* Our own form of rules, as JSON; "default deny". */
void judge_by(struct bench *b, bool tap, const char *rules);
/* Inline, with the rest of the snapshot (bench_adopt()). */
void judge_as(struct bench *b, const struct snapshot_spec *more,
	      const char *rules);
/* All is allowed, both ways. */
void judge_open(struct bench *b, bool tap);
