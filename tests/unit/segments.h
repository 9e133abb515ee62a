/*
 * TCP conversations as tables for tests of flow/: what is sent, and what the
 * flow must be then. C is the workload, S its peer; who sends first with a SYN
 * is the client.
 */
#pragma once

#include <stdint.h>

#include "flow/flow.h"

/* Flags. */
enum {
	F = TCP_FIN,
	S = TCP_SYN,
	R = TCP_RST,
	A = TCP_ACK,
	SA = TCP_SYN | TCP_ACK,
	FA = TCP_FIN | TCP_ACK,
	RA = TCP_RST | TCP_ACK,
	FU = TCP_FIN | TCP_URG,
};

/* Steps. */
enum {
	OK = FLOW_STEP_OK,
	AGAIN = FLOW_STEP_RETRANSMIT,
	OUT = FLOW_STEP_OUT_OF_WINDOW,
	NEW = FLOW_STEP_REOPENED,
};

/* Classes. */
enum {
	OPEN = FLOW_CLASS_TCP_OPENING,
	ESTD = FLOW_CLASS_TCP_ESTABLISHED,
	HALF = FLOW_CLASS_TCP_HALF_CLOSED,
	DONE = FLOW_CLASS_TCP_CLOSED,
};

/* States of client and server. */
enum {
	EST = TCP_S_ESTABLISHED,
	SSENT = TCP_S_SYN_SENT,
	SRECV = TCP_S_SYN_RECV,
	FW1 = TCP_S_FIN_WAIT1,
	FW2 = TCP_S_FIN_WAIT2,
	TW = TCP_S_TIME_WAIT,
	CL = TCP_S_CLOSE,
	CW = TCP_S_CLOSE_WAIT,
	LA = TCP_S_LAST_ACK,
	LIS = TCP_S_LISTEN,
	CLG = TCP_S_CLOSING,
};

#define SEGMENTS_MAX 16
#define WINDOW	     1000 /* where a segment says none */

struct segment {
	char from; /* 'C' or 'S'; 0 ends a scenario */
	uint8_t flags;
	uint32_t seq, ack, len;
	int step, class;
	int client, server; /* 0: not looked at */
	uint16_t window;    /* 0: WINDOW */
	uint8_t wscale;	    /* offered by a SYN, if not 0 */
};

/* Three rows: C opens from 100, S from 500; 101 and 501 are next. */
#define HANDSHAKE                                                 \
	{ 'C', S, 100, 0, 0, OK, OPEN, SSENT, LIS },              \
		{ 'S', SA, 500, 101, 0, OK, OPEN, SSENT, SRECV }, \
	{                                                         \
		'C', A, 101, 501, 0, OK, ESTD, EST, EST           \
	}

struct scenario {
	const char *name;
	struct segment segments[SEGMENTS_MAX];
};

/*
 * One segment at that time. The first of a conversation (*f is NULL) makes the
 * flow; each must find it.
 */
enum flow_step segment_play(struct flow_table *t, struct flow **f,
			    const struct segment *s, usec_t now);

/*
 * Each of the n scenarios in a table of its own, a segment a second. Says what
 * is not as its table says, and fails the test behind the last one.
 */
void scenarios_play(const struct scenario *scenarios, size_t n);
