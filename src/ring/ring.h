/*
 * Frames in and out, whatever they come from: a packet socket, an NFQUEUE or a
 * capture file, behind one table of hooks.
 *
 *   n = ring_recv(r)            frames 0..n-1 are r's until the next ring_recv
 *   ring_frame(r, i)            look at one
 *   ring_keep(r, i)             send it on, unchanged, with the next flush
 *   ring_flush(r, out)
 *   ring_send(r, bytes)         a frame of our own, at once
 *
 * A frame that is not kept is dropped. One thread uses a ring at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/addr.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/frame_csum.h"
#include "base/limits.h"

struct ring;

struct ring_frame {
	struct bytes
		bytes;	 /* from the destination MAC on, VLAN tags in place */
	size_t wire_len; /* more than bytes only in a cut capture */
	usec_t time;	 /* capture: when it was taken; live: 0 */
	bool too_long;	 /* was longer than FRAME_MAX: cannot be sent on */
	struct frame_csum csum; /* as the kernel tells */
};

struct ring_counts {
	uint64_t received, sent;
	uint64_t receive_lost;	 /* kernel: the socket's buffer was full */
	uint64_t receive_errors; /* frames the kernel could not hand over */
	uint64_t send_failed;	 /* kept or own frames the kernel refused */
};

void ring_counts_add(struct ring_counts *to, struct ring_counts c);

/* What waits in the kernel to be received, in bytes as it accounts them. */
struct ring_buffer {
	uint64_t in_use, limit; /* full: frames are lost, receive_lost */
};

/*
 * Up to RING_BATCH frames. 0: nothing there (live) or the end (capture).
 * -ENETDOWN, -ENODEV: the interface went away; -EIO: the capture is broken
 * from here on.
 */
int ring_recv(struct ring *r);
struct ring_frame ring_frame(const struct ring *r, unsigned i);
void ring_keep(struct ring *r, unsigned i);
/* What was kept and yet not sent: the frames' numbers, as of ring_keep(). */
struct ring_refused {
	unsigned n;
	uint16_t frame[RING_BATCH];
};
/*
 * Sends what was kept: out of `out`, which is r itself, or the other packet
 * socket of a pair, or NULL: nowhere. An NFQUEUE and a capture have only
 * themselves. Returns what the kernel did not take (counted, too, as
 * send_failed); it lies in r until the next flush.
 */
const struct ring_refused *ring_flush(struct ring *r, struct ring *out);
/* false: the kernel did not take it. */
bool ring_send(struct ring *r, struct bytes frame);
/* To be polled for input; -1: always ready (capture). */
int ring_fd(const struct ring *r);
struct ring_counts ring_counts(struct ring *r);
/* Zeros: nothing waits anywhere (capture). */
struct ring_buffer ring_buffer(const struct ring *r);
/* Closes what it was made from. NULL is accepted. */
void ring_free(struct ring *r);

/*
 * Opens a packet socket on an interface of the caller's network namespace:
 * raw frames, offloads kept (virtio_net_hdr). What goes out of the interface
 * is seen by a tap only, which is in a workload's namespace and never sends.
 * Any other has the frames to itself: -EBUSY where another one, or a group, has.
 * Needs CAP_NET_RAW; CAP_NET_ADMIN for buffers above the system's maximum. Returns
 * the descriptor or -ENODEV, -EPERM, ... with *reterr.
 */
int ring_packet_open(const char *ifname, bool tap, struct err *reterr);
/*
 * n of them (2..WORKERS_MAX), no taps, on one interface, among which its frames
 * are shared out: each frame goes to one, fds[k] if its mark is worker k's
 * (base/spread.h). A full one loses frames of its own only. 0 and all n in fds;
 * or -errno and none.
 */
int ring_packet_open_group(const char *ifname, unsigned n, int *fds,
			   struct err *reterr);
/* A ring on such a descriptor, which it takes. NULL: out of memory. */
struct ring *ring_packet_new(int fd);

/*
 * Binds an NFQUEUE of the caller's network namespace, both families, GSO
 * packets whole, fail closed. Needs CAP_NET_ADMIN. Returns the descriptor or
 * -errno with *reterr (EPERM: it is bound already).
 */
int ring_nfq_open(uint16_t queue, struct err *reterr);
/*
 * Opens what the kernel tells of the NFQUEUEs of the caller's network namespace,
 * for ring_nfq_stats(). A descriptor, or -errno with *reterr: -ENOENT in a
 * kernel without NFQUEUE.
 */
int ring_nfq_open_stats(struct err *reterr);
struct nfq_stats {
	uint32_t waiting;	 /* packets, of at most NFQ_WAITING_MAX */
	uint64_t dropped_full;	 /* by the kernel: so many waited already */
	uint64_t dropped_unsent; /* the socket's buffer was full */
};
/* Of one queue, read from such a descriptor. false: it is not in there. */
bool ring_nfq_stats(int fd, uint16_t queue, struct nfq_stats *ret);
/* What is to become of up to a batch of packets. */
struct nfq_verdicts {
	uint32_t n;
	struct nfq_verdict {
		uint32_t id; /* the kernel's */
		uint32_t accept;
	} list[RING_BATCH];
};
/*
 * Tells the kernel. Needs CAP_NET_ADMIN. A verdict it refuses (the packet is
 * gone) is told on fd, among the packets. Any n above RING_BATCH is none.
 */
void ring_nfq_answer(int fd, uint16_t queue, const struct nfq_verdicts *v);
/*
 * A ring on such a descriptor, and on a SOCK_SEQPACKET one by which each batch's
 * struct nfq_verdicts goes to somebody who may answer; it takes both, unless it
 * fails. Its frames have a made Ethernet header with `mac` on the workload's
 * side. NULL: out of memory.
 */
struct ring *ring_nfq_new(int fd, int verdict_fd, struct mac mac);
/* From the next packet on; r is such a ring. Its user's thread. */
void ring_nfq_set_mac(struct ring *r, struct mac mac);

/*
 * A ring over a capture (pcap or pcapng, Ethernet). Takes `file`, also when it
 * fails. NULL and *reterr: not a capture, wrong link type, out of memory.
 */
struct ring *ring_capture_new(FILE *file, struct err *reterr);
