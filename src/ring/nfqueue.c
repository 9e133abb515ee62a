/*
 * An NFQUEUE as a ring: packets that netfilter asks about, and our answers.
 *
 * The kernel sends one netlink message a packet: an id, the hook it is at, and
 * the packet from its IP header on. Each gets exactly one verdict with the next
 * flush: kept ones NF_ACCEPT, all others NF_DROP. The Ethernet header that the
 * pipeline expects is made here, in the room before the payload, which has been
 * read by then; the workload's MAC stands where the hook says it belongs:
 *
 *   hook PREROUTING, LOCAL_IN, FORWARD   to the workload    dst = its MAC
 *   hook LOCAL_OUT, POSTROUTING          from it            src = its MAC
 *
 * The kernel takes verdicts only from who has CAP_NET_ADMIN, at the moment of
 * sending: they go through somebody who has (dp/opener_relay.h).
 *
 * NFQA_CFG_F_GSO lets 64 KiB packets come whole and with unfinished checksums.
 * The queue fails closed: a full one drops (counted by the kernel), where
 * NeuVector's fails open. Nothing of our own can be sent through a queue.
 *
 * Source: linux/netfilter/nfnetlink_queue.h; net/netfilter/nfnetlink_queue.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "ring/ops.h"
#include "ring/ring.h"

/* Message and attribute headers before and beside a payload. */
#define SLOT_OVERHEAD 1024
#define SLOT_BYTES    (FRAME_MAX + SLOT_OVERHEAD)
/* One verdict: three headers and two words. */
#define VERDICT_BYTES 64

struct slot {
	struct iovec in;
	uint8_t *frame;
	uint32_t len;
	uint32_t id; /* the kernel's, host order */
	bool keep, too_long;
	struct frame_csum csum;
};

struct nfq_ring {
	struct ring ring;
	int fd, verdict_fd;
	struct mac mac; /* the workload's */
	uint8_t *memory;
	unsigned n;		/* packets of the batch under way */
	uint8_t at[RING_BATCH]; /* their slots */
	struct ring_counts counts;
	struct slot slots[RING_BATCH];
	struct mmsghdr in[RING_BATCH];
};

static struct nfq_ring *of(struct ring *r)
{
	return (struct nfq_ring *)r;
}

/* --- opening ------------------------------------------------------------- */

static bool is_packet(const struct nlmsghdr *h)
{
	return h->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET);
}

/* A packet that came before the answer: nobody can judge it yet. */
static void refuse_early(int fd, uint16_t queue, const struct nlmsghdr *h)
{
	struct nlattr *attr[NFQA_MAX + 1] = { 0 };
	struct nfq_verdicts v = { .n = 1 };
	struct nfqnl_msg_packet_hdr hdr;

	if (nfq_nlmsg_parse(h, attr) < 0 || !attr[NFQA_PACKET_HDR] ||
	    mnl_attr_get_payload_len(attr[NFQA_PACKET_HDR]) < sizeof hdr)
		return;
	memcpy(&hdr, mnl_attr_get_payload(attr[NFQA_PACKET_HDR]), sizeof hdr);
	v.list[0].id = ntohl(hdr.packet_id);
	ring_nfq_answer(fd, queue, &v);
}

/* Sends one request and reads the kernel's answer to it. */
static int ask(int fd, uint16_t queue, struct nlmsghdr *h)
{
	_Alignas(struct nlmsghdr) static uint8_t
		answer[SLOT_BYTES]; /* one opener, one thread */
	const struct nlmsghdr *a = (const void *)answer;

	h->nlmsg_flags |= NLM_F_ACK;
	if (send(fd, h, h->nlmsg_len, 0) < 0)
		return -errno;
	for (;;) {
		ssize_t len = recv(fd, answer, sizeof answer, 0);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < (ssize_t)sizeof *a)
			return len < 0 ? -errno : -EBADMSG;
		if (!is_packet(a))
			return mnl_cb_run(answer, (size_t)len, 0, 0, NULL,
					  NULL) < 0
				       ? -errno
				       : 0;
		refuse_early(fd, queue, a);
	}
}

static int configure(int fd, uint16_t queue)
{
	char buf[512] = { 0 }; /* the attributes' padding is sent, too */
	struct nlmsghdr *h;
	uint32_t flags = NFQA_CFG_F_GSO;
	int rc;

	h = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_cmd(h, AF_UNSPEC, NFQNL_CFG_CMD_BIND);
	rc = ask(fd, queue, h);
	if (rc < 0)
		return rc;
	h = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_params(h, NFQNL_COPY_PACKET, 0xffff);
	nfq_nlmsg_cfg_put_qmaxlen(h, NFQ_WAITING_MAX);
	mnl_attr_put_u32(h, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(h, NFQA_CFG_MASK,
			 htonl(NFQA_CFG_F_GSO | NFQA_CFG_F_FAIL_OPEN));
	return ask(fd, queue, h);
}

int ring_nfq_open(uint16_t queue, struct err *reterr)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int size = SOCKET_BUFFER_BYTES, one = 1, rc;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);

	if (fd < 0)
		return err_set(reterr, errno, NULL,
			       "cannot open a netfilter socket: %s",
			       strerror(errno));
	rc = bind(fd, (struct sockaddr *)&any, sizeof any) < 0 ? -errno : 0;
	if (rc == 0)
		rc = configure(fd, queue);
	if (rc < 0) {
		close(fd);
		return err_set(reterr, -rc, NULL, "queue %u: %s", queue,
			       rc == -EPERM ? "somebody else has it"
					    : strerror(-rc));
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	/* a full buffer is told by the queue's counters, not by ENOBUFS */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &one, sizeof one);
	return fd;
}

int ring_nfq_open_stats(struct err *reterr)
{
	/* of the thread: /proc/self is of the process's first one */
	static const char path[] =
		"/proc/thread-self/net/netfilter/nfnetlink_queue";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 ? fd
		       : err_set(reterr, errno, NULL, "cannot open %s: %s",
				 path, strerror(errno));
}

/* Number, its reader's port, waiting, mode, range, dropped, dropped, ... */
bool ring_nfq_stats(int fd, uint16_t queue, struct nfq_stats *ret)
{
	enum { NUMBER, READER, WAITING, MODE, RANGE, FULL, UNSENT, N };
	char line[128];
	bool found = false;
	FILE *f;

	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	f = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!f && fd >= 0)
		close(fd);
	if (!f)
		return false;
	while (!found && fgets(line, sizeof line, f)) {
		unsigned long n[N];
		char *at = line, *end = line;
		int i = 0;

		while (i < N && (n[i] = strtoul(at, &end, 10), end != at)) {
			at = end;
			i++;
		}
		found = i == N && n[NUMBER] == queue;
		if (found)
			*ret = (struct nfq_stats){ (uint32_t)n[WAITING],
						   n[FULL], n[UNSENT] };
	}
	(void)fclose(f); /* only read */
	return found;
}

/* --- batches ------------------------------------------------------------- */

static bool from_workload(uint8_t hook)
{
	return hook == NF_INET_LOCAL_OUT || hook == NF_INET_POST_ROUTING;
}

static void put_ethernet(struct nfq_ring *q, struct slot *s, uint8_t *payload,
			 uint8_t hook, uint16_t ethertype)
{
	static const struct mac other = { { 0 } };
	bool out = from_workload(hook);
	struct outbytes o = outbytes_of(payload - ETH_HLEN, ETH_HLEN);

	put_copy(&o, out ? other.b : q->mac.b, ETH_ALEN);
	put_copy(&o, out ? q->mac.b : other.b, ETH_ALEN);
	put_be16(&o, ethertype);
	s->frame = payload - ETH_HLEN;
	s->len += ETH_HLEN;
}

static uint32_t attr_u32(struct nlattr *a)
{
	return a && mnl_attr_validate(a, MNL_TYPE_U32) >= 0
		       ? ntohl(mnl_attr_get_u32(a))
		       : 0;
}

/* Did it let a packet pass, this answer of ours that the kernel refused? */
static bool was_accepted(const struct nlmsghdr *answer)
{
	struct nlattr *attr[NFQA_MAX + 1] = { 0 };
	struct nfqnl_msg_verdict_hdr v;

	if (answer->nlmsg_type != (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_VERDICT))
		return false;
	if (nfq_nlmsg_parse(answer, attr) < 0 || !attr[NFQA_VERDICT_HDR] ||
	    mnl_attr_get_payload_len(attr[NFQA_VERDICT_HDR]) < sizeof v)
		return false;
	memcpy(&v, mnl_attr_get_payload(attr[NFQA_VERDICT_HDR]), sizeof v);
	return ntohl(v.verdict) == NF_ACCEPT;
}

/*
 * What is not a packet. A refused answer: its packet is gone, it was dropped
 * with its queue or its interface. One that should have passed has been counted
 * as sent, and that is put right; one that should not is where it should be.
 */
static void take_other(struct nfq_ring *q, const struct nlmsghdr *h, size_t len)
{
	const struct nlmsgerr *e;

	if (!mnl_nlmsg_ok(h, (int)len) || h->nlmsg_type != NLMSG_ERROR ||
	    mnl_nlmsg_get_payload_len(h) < sizeof *e) {
		q->counts.receive_errors++;
		return;
	}
	e = mnl_nlmsg_get_payload(h);
	if (!mnl_nlmsg_ok(&e->msg, (int)(mnl_nlmsg_get_payload_len(h) -
					 sizeof e->error)) ||
	    !was_accepted(&e->msg) || q->counts.sent == 0)
		return;
	q->counts.sent--;
	q->counts.send_failed++;
}

/* One packet; false: not a packet, it waits for nothing. */
static bool take_packet(struct nfq_ring *q, struct slot *s,
			const struct nlmsghdr *h, size_t len)
{
	struct nlattr *attr[NFQA_MAX + 1] = { 0 }, *payload;
	struct nfqnl_msg_packet_hdr hdr;
	uint32_t info, whole;

	if (!mnl_nlmsg_ok(h, (int)len) || !is_packet(h) ||
	    nfq_nlmsg_parse(h, attr) < 0 || !attr[NFQA_PACKET_HDR] ||
	    mnl_attr_get_payload_len(attr[NFQA_PACKET_HDR]) < sizeof hdr)
		return false;
	memcpy(&hdr, mnl_attr_get_payload(attr[NFQA_PACKET_HDR]), sizeof hdr);
	s->id = ntohl(hdr.packet_id);
	payload = attr[NFQA_PAYLOAD];
	info = attr_u32(attr[NFQA_SKB_INFO]);
	whole = attr_u32(attr[NFQA_CAP_LEN]);
	/* unfilled: where it will be filled in the kernel sees to and tells not */
	if (info & (NFQA_SKB_CSUMNOTREADY | NFQA_SKB_GSO) ||
	    !(info & NFQA_SKB_CSUM_NOTVERIFIED))
		s->csum.state = FRAME_CSUM_VALID;
	if (payload) {
		s->len = mnl_attr_get_payload_len(payload);
		s->too_long = whole > s->len;
		put_ethernet(q, s, mnl_attr_get_payload(payload), hdr.hook,
			     ntohs(hdr.hw_protocol));
	}
	return true;
}

static int queue_recv(struct ring *r)
{
	struct nfq_ring *q = of(r);
	int n = recvmmsg(q->fd, q->in, RING_BATCH, MSG_DONTWAIT, NULL);

	q->n = 0;
	if (n < 0)
		return 0;
	for (int i = 0; i < n; i++) {
		struct slot *s = &q->slots[i];

		s->len = 0;
		s->keep = s->too_long = false;
		s->csum = (struct frame_csum){ FRAME_CSUM_CHECK };
		s->frame = s->in.iov_base;
		if (take_packet(q, s, s->in.iov_base, q->in[i].msg_len))
			q->at[q->n++] = (uint8_t)i;
		else
			take_other(q, s->in.iov_base, q->in[i].msg_len);
	}
	q->counts.received += q->n;
	return (int)q->n;
}

static struct ring_frame queue_frame(const struct ring *r, unsigned i)
{
	const struct nfq_ring *q = (const struct nfq_ring *)r;
	const struct slot *s = &q->slots[q->at[i]];

	return (struct ring_frame){ .bytes = bytes_of(s->frame, s->len),
				    .wire_len = s->len,
				    .too_long = s->too_long,
				    .csum = s->csum };
}

static void queue_keep(struct ring *r, unsigned i)
{
	struct nfq_ring *q = of(r);

	q->slots[q->at[i]].keep = true;
}

/* All verdicts of the batch in one message; it must arrive, so it may wait. */
static void queue_flush(struct ring *r, struct ring *out)
{
	struct nfq_ring *q = of(r);
	struct nfq_verdicts v = { .n = 0 };
	unsigned kept = 0, n = q->n;

	(void)out;
	for (unsigned i = 0; i < q->n; i++) {
		const struct slot *s = &q->slots[q->at[i]];

		v.list[v.n++] = (struct nfq_verdict){ s->id, s->keep };
		kept += s->keep;
	}
	q->n = 0;
	if (v.n == 0)
		return;
	if (send(q->verdict_fd, &v, sizeof v, MSG_NOSIGNAL) >= 0) {
		q->counts.sent += kept;
		return;
	}
	q->counts.send_failed += kept;
	for (unsigned i = 0; i < n; i++)
		if (q->slots[q->at[i]].keep)
			ring_refuse(r, i);
}

void ring_nfq_answer(int fd, uint16_t queue, const struct nfq_verdicts *v)
{
	char out[RING_BATCH * VERDICT_BYTES];
	size_t len = 0;

	for (uint32_t i = 0; i < v->n && v->n <= RING_BATCH; i++) {
		struct nlmsghdr *h =
			nfq_nlmsg_put(out + len, NFQNL_MSG_VERDICT, queue);

		nfq_nlmsg_verdict_put(h, (int)v->list[i].id,
				      v->list[i].accept ? NF_ACCEPT : NF_DROP);
		len += NLMSG_ALIGN(h->nlmsg_len);
	}
	/* a socket that is gone has no packets that wait, either */
	if (len > 0)
		(void)send(fd, out, len, 0);
}

static bool queue_send(struct ring *r, struct bytes frame)
{
	(void)frame;
	of(r)->counts.send_failed++;
	return false;
}

static int queue_fd(const struct ring *r)
{
	return ((const struct nfq_ring *)r)->fd;
}

static struct ring_counts queue_counts(struct ring *r)
{
	return of(r)->counts;
}

static void queue_free(struct ring *r)
{
	struct nfq_ring *q = of(r);

	close(q->fd);
	close(q->verdict_fd);
	(void)munmap(q->memory, (size_t)RING_BATCH * SLOT_BYTES);
	free(q);
}

static const struct ring_ops queue_ops = {
	.recv = queue_recv,
	.frame = queue_frame,
	.keep = queue_keep,
	.flush = queue_flush,
	.send = queue_send,
	.fd = queue_fd,
	.counts = queue_counts,
	.free = queue_free,
};

struct ring *ring_nfq_new(int fd, int verdict_fd, struct mac mac)
{
	struct nfq_ring *q = calloc(1, sizeof *q);

	if (!q)
		return NULL;
	q->memory = mmap(NULL, (size_t)RING_BATCH * SLOT_BYTES,
			 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (q->memory == MAP_FAILED) {
		free(q);
		return NULL;
	}
	q->ring.ops = &queue_ops;
	q->fd = fd;
	q->verdict_fd = verdict_fd;
	q->mac = mac;
	for (unsigned i = 0; i < RING_BATCH; i++) {
		struct slot *s = &q->slots[i];

		s->in = (struct iovec){ q->memory + (size_t)i * SLOT_BYTES,
					SLOT_BYTES };
		q->in[i].msg_hdr =
			(struct msghdr){ .msg_iov = &s->in, .msg_iovlen = 1 };
	}
	return &q->ring;
}

void ring_nfq_set_mac(struct ring *r, struct mac mac)
{
	of(r)->mac = mac;
}
