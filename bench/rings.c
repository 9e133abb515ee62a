/*
 * Moves frames between two interfaces, both ways, by one of several methods that
 * a kernel has for it, to be compared by bench/rings.py. Nothing is looked at.
 *
 *   rings [OPTION...] INTERFACE INTERFACE     until SIGTERM
 *     -i mmsg | v2 | v3 | uring   in: recvmmsg, frame ring, block ring, io_uring
 *     -i v2+mmsg                  in: a frame ring with small slots; what is too
 *                                 long for them by recvmmsg
 *     -o mmsg | ring              out: sendmmsg, or a mapped ring (not with v3)
 *     -l       one frame alone by send()
 *     -d       -i mmsg receives straight into the slots of -o ring
 *     -b N     frames of a batch, 1..BATCH_MAX (64)
 *     -s N     slots of a frame ring, or each side's buffers of io_uring (256)
 *     -k KB    size of a block (256); -t MS: after which it is given up unfilled
 *     -w US    an empty socket is asked again for so long before the thread
 *              sleeps; 0: it sleeps at once; -e: it never does
 *     -a       -w only after a batch of 1 or 2, and if the last sleep was short:
 *              what src/dp/worker.c does
 *     -2       a thread for each way
 *     -1       recvmmsg sleeps itself, until one frame is there; needs -2
 *     -p US    SO_BUSY_POLL
 *     -q       PACKET_QDISC_BYPASS
 *
 * All keep the kernel's offloads (PACKET_VNET_HDR): a frame is a virtio_net_hdr
 * and the bytes after it, in one piece, wherever the kernel left it or takes it:
 *
 *   v2 slot   [ tpacket2_hdr sockaddr_ll | hdr | frame ........ ]
 *   v3 block  [ block_desc | tpacket3_hdr .. | hdr | frame | tpacket3_hdr ... ]
 *   tx slot   [ tpacket2_hdr | hdr | frame .................... ]
 *
 * Prints "ready", and at its end one line of JSON: what it did. What the kernel
 * does not take at once is lost, as in src/ring/packet_socket.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"

#define BATCH_MAX 256
#define SLOT	  ((size_t)FRAME_MAX + 4096 - FRAME_MAX % 4096) /* whole pages */
#define SMALL	  ((size_t)2048) /* slot of v2+mmsg */
#define HDR	  sizeof(struct virtio_net_hdr)
#define RING_V3	  16 /* MB of a block ring */
#define TX_AT	  (TPACKET2_HDRLEN - sizeof(struct sockaddr_ll))
#define SLEEP_MS  100 /* so long SIGTERM may go unseen */
#define IDLE_MAX  2   /* frames of a batch after which -a polls */

enum in { IN_MMSG, IN_V2, IN_V2_MMSG, IN_V3, IN_URING, IN__MAX };
static const char *const in_names[IN__MAX] = { "mmsg", "v2", "v2+mmsg", "v3",
					       "uring" };

static struct {
	enum in in;
	bool tx_ring, direct, adaptive, two, block, bypass, spin_ever, lone;
	int batch, slots, block_kb, retire_ms, spin_us, busy_poll_us;
} opt = { .batch = 64, .slots = 256, .block_kb = 256, .retire_ms = 1 };

static volatile sig_atomic_t stop;

/* A virtio_net_hdr and a frame; len is of both. */
struct piece {
	uint8_t *at;
	uint32_t len;
};

/* Of one thread, for all that it receives from. */
struct uring {
	int fd;
	struct io_uring_sqe *sqes;
	struct io_uring_cqe *cqes;
	_Atomic uint32_t *sq_tail, *cq_head, *cq_tail;
	uint32_t *sq_array;
	uint32_t sq_mask, cq_mask;
};

/* One interface's socket. Received from by one thread, sent to by one. */
struct side {
	uint8_t *memory;	   /* slots that recvmmsg or io_uring fills */
	uint8_t *rx, *tx;	   /* mapped */
	struct tpacket3_hdr *next; /* v3: in the block that is being read */
	struct uring *uring;
	struct io_uring_buf_ring *bufs;
	struct iovec in_iov[BATCH_MAX];
	_Alignas(struct cmsghdr) char control[BATCH_MAX][CMSG_SPACE(
		sizeof(struct tpacket_auxdata))];
	struct mmsghdr in[BATCH_MAX];
	int fd;
	unsigned rx_at, rx_blocks, tx_at;
	unsigned left;		   /* v3: frames of the block from next on */
	unsigned used;		   /* of in[], by the last batch */
	uint16_t buf_tail, number; /* of the side, 0 or 1 */
	uint16_t buf[BATCH_MAX];   /* io_uring's number of the piece's buffer */
	bool armed;
};

/* From one to the other. */
struct way {
	struct side *from, *to;
	struct piece pieces[BATCH_MAX];
	unsigned n;
	uint64_t frames, bytes, batches, sleeps, failed;
};

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Whose slot or block it is; what is in there is read after that. */
static uint32_t status_of(const uint32_t *status)
{
	return __atomic_load_n(status, __ATOMIC_ACQUIRE);
}

static void give(uint32_t *status, uint32_t to)
{
	__atomic_store_n(status, to, __ATOMIC_RELEASE);
}

/* --- in ---------------------------------------------------------------------- */

static struct tpacket2_hdr *tx_slot(struct side *s, unsigned i)
{
	return (void *)(s->tx + (s->tx_at + i) % (unsigned)opt.slots * SLOT);
}

/*
 * Where the next batch is to be received; returns how many places there are. If
 * it is always the same, only those that the last one used have to be set.
 */
static unsigned places(struct way *w)
{
	struct side *s = w->from;
	unsigned i;

	for (i = 0; i < (opt.direct ? (unsigned)opt.batch : s->used); i++) {
		struct msghdr *m = &s->in[i].msg_hdr;
		uint8_t *at = s->memory + i * SLOT;

		if (opt.direct) {
			struct tpacket2_hdr *h = tx_slot(w->to, i);

			if (status_of(&h->tp_status) != TP_STATUS_AVAILABLE)
				break;
			at = (uint8_t *)h + TX_AT;
		}
		s->in_iov[i] = (struct iovec){ at, HDR + FRAME_MAX };
		*m = (struct msghdr){ .msg_iov = &s->in_iov[i],
				      .msg_iovlen = 1,
				      .msg_control = s->control[i],
				      .msg_controllen = sizeof s->control[i] };
	}
	return opt.direct ? i : (unsigned)opt.batch;
}

static void take_mmsg(struct way *w)
{
	struct side *s = w->from;
	unsigned n = places(w);
	int got = recvmmsg(s->fd, s->in, n,
			   opt.block ? MSG_WAITFORONE : MSG_DONTWAIT, NULL);

	s->used = got > 0 ? (unsigned)got : 1; /* a failed one began with it */
	for (int i = 0; i < got; i++)
		w->pieces[w->n++] = (struct piece){ s->in_iov[i].iov_base,
						    s->in[i].msg_len };
}

static struct tpacket2_hdr *rx_slot(struct side *s, unsigned i)
{
	return (void *)(s->rx + (s->rx_at + i) % (unsigned)opt.slots *
					(opt.in == IN_V2 ? SLOT : SMALL));
}

static void take_v2(struct way *w)
{
	while (w->n < (unsigned)opt.batch && w->n < (unsigned)opt.slots) {
		struct tpacket2_hdr *h = rx_slot(w->from, w->n);

		if (!(status_of(&h->tp_status) & TP_STATUS_USER))
			break;
		w->pieces[w->n++] = (struct piece){
			(uint8_t *)h + h->tp_mac - HDR,
			h->tp_snaplen + (uint32_t)HDR,
		};
	}
}

/* The long ones, in the order of their slots, wait in the socket's queue. */
static void take_long(struct way *w, const unsigned *at, unsigned n)
{
	struct side *s = w->from;
	unsigned got = 0;

	(void)places(w);
	s->used = n;
	while (got < n) {
		int k = recvmmsg(s->fd, s->in + got, n - got, MSG_DONTWAIT,
				 NULL);

		if (k <= 0)
			die("a slot promises a frame that is not there");
		for (int i = 0; i < k; i++, got++)
			w->pieces[at[got]] =
				(struct piece){ s->in_iov[got].iov_base,
						s->in[got].msg_len };
	}
}

static void take_v2_mmsg(struct way *w)
{
	unsigned at[BATCH_MAX] = { 0 }, n_long = 0;

	while (w->n < (unsigned)opt.batch && w->n < (unsigned)opt.slots) {
		struct tpacket2_hdr *h = rx_slot(w->from, w->n);
		uint32_t status = status_of(&h->tp_status);

		if (!(status & TP_STATUS_USER))
			break;
		/* cut and not queued: goes on so, and whoever gets it will
		   drop it */
		if (status & TP_STATUS_COPY)
			at[n_long++] = w->n;
		else if (h->tp_len > h->tp_snaplen)
			w->failed++;
		w->pieces[w->n++] = (struct piece){
			(uint8_t *)h + h->tp_mac - HDR,
			h->tp_snaplen + (uint32_t)HDR,
		};
	}
	if (n_long > 0)
		take_long(w, at, n_long);
}

static void give_v2(struct way *w)
{
	for (unsigned i = 0; i < w->n; i++)
		give(&rx_slot(w->from, i)->tp_status, TP_STATUS_KERNEL);
	w->from->rx_at = (w->from->rx_at + w->n) % (unsigned)opt.slots;
}

static struct tpacket_block_desc *block_of(struct side *s)
{
	return (void *)(s->rx + (size_t)s->rx_at * (size_t)opt.block_kb * 1024);
}

static void take_v3(struct way *w)
{
	struct side *s = w->from;
	struct tpacket_block_desc *b = block_of(s);

	if (s->left == 0) {
		if (!(status_of(&b->hdr.bh1.block_status) & TP_STATUS_USER))
			return;
		s->left = b->hdr.bh1.num_pkts;
		s->next =
			(void *)((uint8_t *)b + b->hdr.bh1.offset_to_first_pkt);
	}
	while (s->left > 0 && w->n < (unsigned)opt.batch) {
		struct tpacket3_hdr *h = s->next;

		w->pieces[w->n++] = (struct piece){
			(uint8_t *)h + h->tp_mac - HDR,
			h->tp_snaplen + (uint32_t)HDR,
		};
		s->next = (void *)((uint8_t *)h + h->tp_next_offset);
		s->left--;
	}
}

static void give_v3(struct way *w)
{
	struct side *s = w->from;

	if (s->left > 0 ||
	    !(status_of(&block_of(s)->hdr.bh1.block_status) & TP_STATUS_USER))
		return;
	give(&block_of(s)->hdr.bh1.block_status, TP_STATUS_KERNEL);
	s->rx_at = (s->rx_at + 1) % s->rx_blocks;
}

/* --- io_uring: one receive that stays, into buffers the kernel picks -------- */

static int enter(struct uring *u, unsigned n, unsigned wait, int timeout_ms)
{
	struct __kernel_timespec ts = { .tv_nsec = timeout_ms * 1000000LL };
	struct io_uring_getevents_arg arg = {
		.ts = (uint64_t)(uintptr_t)&ts,
	};

	return (int)syscall(SYS_io_uring_enter, u->fd, n, wait,
			    IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
			    sizeof arg);
}

static void put_buf(struct side *s, uint16_t id)
{
	struct io_uring_buf *b =
		&s->bufs->bufs[s->buf_tail++ & (unsigned)(opt.slots - 1)];

	b->addr = (uint64_t)(uintptr_t)(s->memory + id * SLOT);
	b->len = HDR + FRAME_MAX;
	b->bid = id;
	__atomic_store_n(&s->bufs->tail, s->buf_tail, __ATOMIC_RELEASE);
}

/* Puts the receive in; how many entries that are to be submitted. */
static unsigned arm(struct side *s)
{
	struct uring *u = s->uring;
	uint32_t tail = atomic_load(u->sq_tail), i = tail & u->sq_mask;

	if (s->armed)
		return 0;
	u->sqes[i] = (struct io_uring_sqe){
		.opcode = IORING_OP_RECV,
		.fd = s->fd,
		.ioprio = IORING_RECV_MULTISHOT,
		.flags = IOSQE_BUFFER_SELECT,
		.buf_group = s->number,
		.user_data = s->number,
	};
	u->sq_array[i] = i;
	atomic_store(u->sq_tail, tail + 1);
	s->armed = true;
	return 1;
}

/* What has come, up to the first frame of the other side, which is next. */
static void take_uring(struct way *w)
{
	struct side *s = w->from;
	struct uring *u = s->uring;
	uint32_t head = atomic_load(u->cq_head);

	if (atomic_load(u->cq_tail) == head || !s->armed)
		(void)enter(u, arm(s), 0, 0); /* nothing: seen below */
	while (head != atomic_load(u->cq_tail) && w->n < (unsigned)opt.batch) {
		struct io_uring_cqe *c = &u->cqes[head & u->cq_mask];
		uint16_t id = (uint16_t)(c->flags >> IORING_CQE_BUFFER_SHIFT);

		if (c->user_data != s->number)
			break;
		head++;
		if (!(c->flags & IORING_CQE_F_MORE))
			s->armed = false;
		if (c->res <= 0) {
			/* out of buffers: it is armed again when there are */
			if (c->res != -ENOBUFS)
				die("io_uring receive: %s", strerror(-c->res));
			continue;
		}
		s->buf[w->n] = id;
		w->pieces[w->n++] = (struct piece){ s->memory + id * SLOT,
						    (uint32_t)c->res };
	}
	atomic_store(u->cq_head, head);
}

static void give_uring(struct way *w)
{
	for (unsigned i = 0; i < w->n; i++)
		put_buf(w->from, w->from->buf[i]);
}

static void *map(int fd, uint64_t at, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | (fd < 0 ? MAP_ANONYMOUS : 0), fd,
		       (off_t)at);

	if (p == MAP_FAILED)
		die("cannot map %zu bytes: %s", bytes, strerror(errno));
	return p;
}

static void open_uring(struct uring *u)
{
	struct io_uring_params p = {
		.flags = IORING_SETUP_SINGLE_ISSUER |
			 IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
		.cq_entries = 4096,
	};
	uint8_t *sq, *cq;

	u->fd = (int)syscall(SYS_io_uring_setup, 8, &p);
	if (u->fd < 0)
		die("no io_uring: %s", strerror(errno));
	sq = map(u->fd, IORING_OFF_SQ_RING, p.sq_off.array + p.sq_entries * 4);
	cq = map(u->fd, IORING_OFF_CQ_RING,
		 p.cq_off.cqes + p.cq_entries * sizeof *u->cqes);
	u->sqes = map(u->fd, IORING_OFF_SQES, p.sq_entries * sizeof *u->sqes);
	u->sq_tail = (void *)(sq + p.sq_off.tail);
	u->sq_array = (void *)(sq + p.sq_off.array);
	u->sq_mask = p.sq_entries - 1;
	u->cq_head = (void *)(cq + p.cq_off.head);
	u->cq_tail = (void *)(cq + p.cq_off.tail);
	u->cqes = (void *)(cq + p.cq_off.cqes);
	u->cq_mask = p.cq_entries - 1;
}

/* Gives the kernel the buffers of one side. */
static void join_uring(struct uring *u, struct side *s)
{
	struct io_uring_buf_reg reg = { .ring_entries = (uint32_t)opt.slots,
					.bgid = s->number };

	s->uring = u;
	s->bufs = map(-1, 0, (size_t)opt.slots * sizeof(struct io_uring_buf));
	reg.ring_addr = (uint64_t)(uintptr_t)s->bufs;
	if (syscall(SYS_io_uring_register, u->fd, IORING_REGISTER_PBUF_RING,
		    &reg, 1) < 0)
		die("no io_uring buffer ring: %s", strerror(errno));
	for (int i = 0; i < opt.slots; i++)
		put_buf(s, (uint16_t)i);
}

/* --- out --------------------------------------------------------------------- */

static void send_mmsg(struct way *w)
{
	struct mmsghdr out[BATCH_MAX];
	struct iovec iov[BATCH_MAX];
	unsigned at = 0;

	if (opt.lone && w->n == 1) {
		w->failed += send(w->to->fd, w->pieces[0].at, w->pieces[0].len,
				  MSG_DONTWAIT) < 0;
		return;
	}
	for (unsigned i = 0; i < w->n; i++) {
		iov[i] = (struct iovec){ w->pieces[i].at, w->pieces[i].len };
		out[i].msg_hdr =
			(struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	while (at < w->n) {
		int n = sendmmsg(w->to->fd, out + at, w->n - at, MSG_DONTWAIT);

		if (n <= 0)
			w->failed++;
		at += n > 0 ? (unsigned)n : 1;
	}
}

static void send_ring(struct way *w)
{
	struct side *to = w->to;

	for (unsigned i = 0; i < w->n; i++) {
		struct tpacket2_hdr *h = tx_slot(to, 0);
		uint8_t *data = (uint8_t *)h + TX_AT;

		if (!opt.direct &&
		    status_of(&h->tp_status) != TP_STATUS_AVAILABLE) {
			w->failed++;
			continue;
		}
		if (!opt.direct)
			memcpy(data, w->pieces[i].at, w->pieces[i].len);
		h->tp_len = w->pieces[i].len;
		give(&h->tp_status, TP_STATUS_SEND_REQUEST);
		to->tx_at = (to->tx_at + 1) % (unsigned)opt.slots;
	}
	if (send(to->fd, NULL, 0, MSG_DONTWAIT) < 0)
		w->failed++;
}

/* --- the loop ---------------------------------------------------------------- */

static unsigned carry(struct way *w)
{
	static void (*const take[IN__MAX])(struct way *) = {
		take_mmsg, take_v2, take_v2_mmsg, take_v3, take_uring
	};

	w->n = 0;
	take[opt.in](w);
	if (w->n > 0 && opt.tx_ring)
		send_ring(w);
	else if (w->n > 0)
		send_mmsg(w);
	if (opt.in == IN_V2 || opt.in == IN_V2_MMSG)
		give_v2(w);
	else if (opt.in == IN_V3)
		give_v3(w);
	else if (opt.in == IN_URING)
		give_uring(w);
	for (unsigned i = 0; i < w->n; i++)
		w->bytes += w->pieces[i].len - HDR;
	w->frames += w->n;
	w->batches += w->n > 0;
	return w->n;
}

static void await_frames(struct way *ways, unsigned n)
{
	struct pollfd p[2];

	ways[0].sleeps++;
	if (opt.in == IN_URING) {
		/* poll() of its descriptor would not be woken by what waits */
		(void)enter(ways[0].from->uring, 0, 1, SLEEP_MS);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = ways[i].from->fd,
					.events = POLLIN };
	(void)poll(p, n, SLEEP_MS); /* a signal: stop is looked at */
}

struct run {
	struct way *ways;
	unsigned n;
};

static void *run(void *arg)
{
	const struct run *r = arg;
	struct uring uring = { .fd = -1 };
	uint64_t poll_until = 0, slept_at;
	bool pays = true;

	if (opt.in == IN_URING)
		open_uring(&uring);
	for (unsigned i = 0; i < r->n && opt.in == IN_URING; i++)
		join_uring(&uring, r->ways[i].from);
	while (!stop) {
		unsigned n = 0;
		bool full = false;

		for (unsigned i = 0; i < r->n; i++) {
			unsigned of_way = carry(&r->ways[i]);

			full |= of_way == (unsigned)opt.batch ||
				r->ways[i].from->left > 0;
			n += of_way;
		}
		if (full || opt.block || opt.spin_ever)
			continue;
		if (n > 0 && opt.spin_us > 0 &&
		    (!opt.adaptive || (n <= IDLE_MAX && pays)))
			poll_until = now_us() + (uint64_t)opt.spin_us;
		slept_at = now_us();
		if (slept_at < poll_until) {
			(void)sched_yield();
			continue;
		}
		await_frames(r->ways, r->n);
		pays = now_us() - slept_at < (uint64_t)opt.spin_us;
	}
	return NULL;
}

/* --- opening ----------------------------------------------------------------- */

static void set_option(int fd, int level, int option, const void *value,
		       size_t len, const char *name)
{
	if (setsockopt(fd, level, option, value, (socklen_t)len) < 0)
		die("%s: %s", name, strerror(errno));
}

static void set_int(int fd, int level, int option, int value, const char *name)
{
	set_option(fd, level, option, &value, sizeof value, name);
}

/* The mapped rings: first what comes in, then what goes out. */
static void open_rings(struct side *s)
{
	struct tpacket_req slots = {
		.tp_block_size = SLOT,
		.tp_block_nr = (unsigned)opt.slots,
		.tp_frame_size = SLOT,
		.tp_frame_nr = (unsigned)opt.slots,
	};
	struct tpacket_req small = {
		.tp_block_size = 32 * SMALL,
		.tp_block_nr = (unsigned)opt.slots / 32,
		.tp_frame_size = SMALL,
		.tp_frame_nr = (unsigned)opt.slots,
	};
	struct tpacket_req3 blocks = {
		.tp_block_size = (unsigned)opt.block_kb * 1024,
		.tp_frame_size = 2048, /* blocks are not cut by it */
		.tp_retire_blk_tov = (unsigned)opt.retire_ms,
	};
	size_t rx_bytes = 0, tx_bytes = 0;

	if (opt.in == IN_V2) {
		set_option(s->fd, SOL_PACKET, PACKET_RX_RING, &slots,
			   sizeof slots, "PACKET_RX_RING");
		rx_bytes = SLOT * (size_t)opt.slots;
	} else if (opt.in == IN_V2_MMSG) {
		set_int(s->fd, SOL_PACKET, PACKET_COPY_THRESH, 1,
			"PACKET_COPY_THRESH");
		set_option(s->fd, SOL_PACKET, PACKET_RX_RING, &small,
			   sizeof small, "PACKET_RX_RING");
		rx_bytes = SMALL * (size_t)opt.slots;
	} else if (opt.in == IN_V3) {
		s->rx_blocks = RING_V3 * 1024 / (unsigned)opt.block_kb;
		blocks.tp_block_nr = s->rx_blocks;
		blocks.tp_frame_nr = s->rx_blocks * blocks.tp_block_size / 2048;
		set_option(s->fd, SOL_PACKET, PACKET_RX_RING, &blocks,
			   sizeof blocks, "PACKET_RX_RING");
		rx_bytes = (size_t)blocks.tp_block_size * s->rx_blocks;
	}
	if (opt.tx_ring) {
		set_option(s->fd, SOL_PACKET, PACKET_TX_RING, &slots,
			   sizeof slots, "PACKET_TX_RING");
		tx_bytes = SLOT * (size_t)opt.slots;
	}
	if (rx_bytes + tx_bytes > 0)
		s->rx = map(s->fd, 0, rx_bytes + tx_bytes);
	s->tx = s->rx + rx_bytes;
}

static void open_side(struct side *s, const char *name)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET,
				  .sll_protocol =
					  __builtin_bswap16(ETH_P_ALL) };

	ll.sll_ifindex = (int)if_nametoindex(name);
	s->fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (s->fd < 0 || ll.sll_ifindex == 0)
		die("a packet socket on %s: %s", name, strerror(errno));
	set_int(s->fd, SOL_PACKET, PACKET_VERSION,
		opt.in == IN_V3 ? TPACKET_V3 : TPACKET_V2, "PACKET_VERSION");
	set_int(s->fd, SOL_PACKET, PACKET_VNET_HDR, 1, "PACKET_VNET_HDR");
	set_int(s->fd, SOL_PACKET, PACKET_AUXDATA, 1, "PACKET_AUXDATA");
	set_int(s->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, 1,
		"PACKET_IGNORE_OUTGOING");
	set_int(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES,
		"SO_RCVBUFFORCE");
	set_int(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES,
		"SO_SNDBUFFORCE");
	if (opt.bypass)
		set_int(s->fd, SOL_PACKET, PACKET_QDISC_BYPASS, 1,
			"PACKET_QDISC_BYPASS");
	if (opt.busy_poll_us > 0)
		set_int(s->fd, SOL_SOCKET, SO_BUSY_POLL, opt.busy_poll_us,
			"SO_BUSY_POLL");
	if (opt.block) { /* else SIGTERM would go unseen */
		struct timeval t = { .tv_usec = SLEEP_MS * 1000L };

		set_option(s->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t,
			   "SO_RCVTIMEO");
	}
	open_rings(s);
	s->used = (unsigned)opt.batch;
	if ((opt.in == IN_MMSG && !opt.direct) || opt.in == IN_V2_MMSG ||
	    opt.in == IN_URING)
		s->memory =
			map(-1, 0,
			    SLOT * (size_t)(opt.in == IN_URING ? opt.slots
							       : opt.batch));
	if (bind(s->fd, (struct sockaddr *)&ll, sizeof ll) < 0)
		die("bind to %s: %s", name, strerror(errno));
}

static unsigned lost(const struct side *s)
{
	struct tpacket_stats_v3 st = { 0 };
	socklen_t len = sizeof st;

	if (getsockopt(s->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) < 0)
		die("PACKET_STATISTICS: %s", strerror(errno));
	return st.tp_drops; /* in the same place in the older one */
}

/* --- the command line -------------------------------------------------------- */

static int number(const char *text, unsigned min, unsigned max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n < min || n > max)
		die("\"%s\" is not a number from %u to %u", text, min, max);
	return (int)n;
}

static enum in method(const char *text)
{
	for (enum in i = 0; i < IN__MAX; i++)
		if (strcmp(text, in_names[i]) == 0)
			return i;
	die("-i %s: is none of mmsg, v2, v2+mmsg, v3, uring", text);
}

static bool ring_or_mmsg(const char *text)
{
	if (strcmp(text, "ring") != 0 && strcmp(text, "mmsg") != 0)
		die("-o %s: is none of mmsg, ring", text);
	return strcmp(text, "ring") == 0;
}

static void take_option(int c)
{
	switch (c) {
	case 'i': opt.in = method(optarg); break;
	case 'o': opt.tx_ring = ring_or_mmsg(optarg); break;
	case 'd': opt.direct = true; break;
	case 'b': opt.batch = number(optarg, 1, BATCH_MAX); break;
	case 's': opt.slots = number(optarg, 2, 32768); break;
	case 'k': opt.block_kb = number(optarg, 128, 4096); break;
	case 't': opt.retire_ms = number(optarg, 0, 1000); break;
	case 'w': opt.spin_us = number(optarg, 0, 1000000); break;
	case 'l': opt.lone = true; break;
	case 'e': opt.spin_ever = true; break;
	case 'a': opt.adaptive = true; break;
	case '2': opt.two = true; break;
	case '1': opt.block = true; break;
	case 'p': opt.busy_poll_us = number(optarg, 1, 1000000); break;
	case 'q': opt.bypass = true; break;
	default: die("unknown option; see the head of rings.c");
	}
}

static void options(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "i:o:ldb:s:k:t:w:ea21p:q")) != -1)
		take_option(c);
	if (argc - optind != 2)
		die("two interfaces, please; see the head of rings.c");
	if (opt.tx_ring && opt.in == IN_V3)
		die("one socket has rings of one version: -o ring is v2's");
	if (opt.direct && (!opt.tx_ring || opt.in != IN_MMSG))
		die("-d is for -i mmsg -o ring");
	if (opt.block && (!opt.two || opt.in != IN_MMSG))
		die("-1 is for -i mmsg -2");
	if (opt.in == IN_URING && (opt.slots & (opt.slots - 1)) != 0)
		die("-i uring: -s must be a power of two");
	if (opt.in == IN_V2_MMSG && opt.slots % 32 != 0)
		die("-i v2+mmsg: -s must be a multiple of 32");
}

static void on_term(int signal)
{
	(void)signal;
	stop = 1;
}

int main(int argc, char **argv)
{
	static struct side sides[2] = { { .number = 0 }, { .number = 1 } };
	static struct way ways[2] = { { .from = &sides[0], .to = &sides[1] },
				      { .from = &sides[1], .to = &sides[0] } };
	struct run all = { ways, 2 }, first = { ways, 1 },
		   second = { ways + 1, 1 };
	struct way *a = &ways[0], *b = &ways[1];
	pthread_t other;

	options(argc, argv);
	for (int i = 0; i < 2; i++)
		open_side(&sides[i], argv[optind + i]);
	(void)signal(SIGTERM, on_term); /* cannot fail */
	puts("ready");
	(void)fflush(stdout);
	if (opt.two && pthread_create(&other, NULL, run, &second) != 0)
		die("no second thread");
	(void)run(opt.two ? &first : &all);
	if (opt.two)
		(void)pthread_join(other, NULL); /* it is joinable */
	printf("{\"frames\": %" PRIu64 ", \"bytes\": %" PRIu64
	       ", \"batches\": %" PRIu64 ", \"sleeps\": %" PRIu64
	       ", \"failed\": %" PRIu64 ", \"lost\": %u}\n",
	       a->frames + b->frames, a->bytes + b->bytes,
	       a->batches + b->batches, a->sleeps + b->sleeps,
	       a->failed + b->failed, lost(&sides[0]) + lost(&sides[1]));
	return 0;
}
