/*
 * A packet socket read and written in batches, with the kernel's offloads kept.
 *
 * PACKET_VNET_HDR puts a virtio_net_hdr before each frame, both ways: it says
 * how a 64 KiB GSO frame is to be cut and which checksum is still to be filled
 * in. We hand it back as it came, so a large frame passes through user space
 * whole, and nothing is computed for it here.
 *
 * The kernel takes a VLAN tag off before a packet socket sees the frame and
 * tells it beside (PACKET_AUXDATA). It is put back where it was, into the
 * headroom, so that what is looked at and sent on is the frame as it was:
 *
 *   slot   [ headroom ......... | dst src type payload ... ]   as received
 *          [ headroom ... | dst src TAG type payload ..... ]   as kept
 *
 * Checksum and header offsets of the virtio_net_hdr move by the tag's length.
 *
 * For one checksum the virtio_net_hdr has no word: SCTP's is a CRC, which the
 * kernel also leaves unfilled, and would fill with a sum when it gets the frame
 * back. So it is filled in here.
 *
 * Sending never waits: what the kernel does not take at once is dropped and
 * counted. recvmmsg/sendmmsg and not a mapped ring: see docs/decisions.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/limits.h"
#include "ring/ops.h"
#include "ring/ring.h"

#define SLOT_BYTES    (FRAME_HEADROOM + FRAME_MAX)
#define MAC_BYTES     12
#define TAG_BYTES     4
#define SCTP_CSUM_OFF 8

struct slot {
	struct virtio_net_hdr hdr;
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(
		sizeof(struct tpacket_auxdata))];
	struct iovec in[2];  /* header, frame as received */
	struct iovec out[2]; /* header, frame as kept */
	uint8_t *frame;
	uint32_t len;
	bool too_long;
};

struct packet_ring {
	struct ring ring;
	int fd;
	uint8_t *memory; /* RING_BATCH slots */
	unsigned n_used; /* slots of the last batch */
	unsigned n_kept;
	uint16_t kept[RING_BATCH]; /* their slots, by their place in out[] */
	struct ring_counts counts;
	struct slot slots[RING_BATCH];
	struct mmsghdr in[RING_BATCH];
	struct mmsghdr out[RING_BATCH];
};

static struct packet_ring *of(struct ring *r)
{
	return (struct packet_ring *)r;
}

/* Puts the tag back that the kernel took off. */
static void restore_tag(struct slot *s, uint16_t tpid, uint16_t tci)
{
	uint8_t *to = s->frame - TAG_BYTES;
	struct outbytes tag = outbytes_of(to + MAC_BYTES, TAG_BYTES);

	memmove(to, s->frame, MAC_BYTES);
	put_be16(&tag, tpid);
	put_be16(&tag, tci);
	s->frame = to;
	s->len += TAG_BYTES;
	if (s->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		s->hdr.csum_start += TAG_BYTES;
	if (s->hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		s->hdr.hdr_len += TAG_BYTES;
}

static void take_aux(struct slot *s, struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct tpacket_auxdata aux;

	if (!c || c->cmsg_level != SOL_PACKET ||
	    c->cmsg_type != PACKET_AUXDATA ||
	    c->cmsg_len < CMSG_LEN(sizeof aux))
		return;
	memcpy(&aux, CMSG_DATA(c), sizeof aux);
	if (!(aux.tp_status & TP_STATUS_VLAN_VALID) || s->len < MAC_BYTES)
		return;
	restore_tag(s,
		    aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid
							      : ETH_P_8021Q,
		    aux.tp_vlan_tci);
}

/*
 * Of all that Linux offloads only SCTP has its checksum in that place. If a
 * sender lies, what is judged afterwards is still what is sent.
 */
static void fill_sctp(struct slot *s)
{
	static const uint8_t zeros[4];
	struct virtio_net_hdr *h = &s->hdr;
	struct bytes at = bytes_of(s->frame, s->len), ports_and_tag;
	struct outbytes field;
	uint32_t crc;

	if (!(h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
	    h->csum_offset != SCTP_CSUM_OFF || !take_skip(&at, h->csum_start) ||
	    !take_bytes(&at, SCTP_CSUM_OFF, &ports_and_tag) ||
	    !take_skip(&at, sizeof zeros))
		return;
	crc = crc32c_add(CRC32C_START, ports_and_tag);
	crc = crc32c_add(crc, bytes_of(zeros, sizeof zeros));
	crc = crc32c_end(crc32c_add(crc, at));
	field = outbytes_of(s->frame + h->csum_start + SCTP_CSUM_OFF, 4);
	put_be32(&field, __builtin_bswap32(crc)); /* RFC 9260 A: lowest first */
	h->flags = 0;
	h->csum_start = 0;
	h->csum_offset = 0;
}

static struct frame_csum csum_of(const struct virtio_net_hdr *h)
{
	struct frame_csum c = { .state = FRAME_CSUM_CHECK };

	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM)
		c = (struct frame_csum){
			.state = FRAME_CSUM_UNFILLED,
			.start = h->csum_start,
			.offset = h->csum_offset,
			.segments = h->gso_type != VIRTIO_NET_HDR_GSO_NONE,
		};
	else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID)
		c.state = FRAME_CSUM_VALID;
	return c;
}

static void arm_slot(struct packet_ring *p, unsigned i)
{
	struct msghdr *m = &p->in[i].msg_hdr;

	m->msg_controllen = sizeof p->slots[i].control;
	m->msg_flags = 0;
}

static int packet_recv(struct ring *r)
{
	struct packet_ring *p = of(r);
	int n;

	p->n_kept = 0;
	/* the kernel has written only into those it used */
	for (unsigned i = 0; i < p->n_used; i++)
		arm_slot(p, i);
	p->n_used = 1; /* a failed call may have begun with the first */
	n = recvmmsg(p->fd, p->in, RING_BATCH, MSG_DONTWAIT, NULL);
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return 0;
		if (errno == ENETDOWN || errno == ENODEV || errno == ENXIO)
			return -ENETDOWN;
		/* one frame of a kind virtio_net_hdr has no word for */
		p->counts.receive_errors++;
		return 0;
	}
	for (int i = 0; i < n; i++) {
		struct slot *s = &p->slots[i];
		size_t len = p->in[i].msg_len;

		s->frame = s->in[1].iov_base;
		s->len = len > sizeof s->hdr ? (uint32_t)(len - sizeof s->hdr)
					     : 0;
		s->too_long = p->in[i].msg_hdr.msg_flags & MSG_TRUNC;
		take_aux(s, &p->in[i].msg_hdr);
		fill_sctp(s);
	}
	p->n_used = (unsigned)n;
	p->counts.received += (unsigned)n;
	return n;
}

static struct ring_frame packet_frame(const struct ring *r, unsigned i)
{
	const struct slot *s = &((const struct packet_ring *)r)->slots[i];

	return (struct ring_frame){ .bytes = bytes_of(s->frame, s->len),
				    .wire_len = s->len,
				    .too_long = s->too_long,
				    .csum = csum_of(&s->hdr) };
}

static void packet_keep(struct ring *r, unsigned i)
{
	struct packet_ring *p = of(r);
	struct slot *s = &p->slots[i];

	s->out[1] = (struct iovec){ s->frame, s->len };
	p->out[p->n_kept].msg_hdr =
		(struct msghdr){ .msg_iov = s->out, .msg_iovlen = 2 };
	p->kept[p->n_kept++] = (uint16_t)i;
}

static void packet_flush(struct ring *r, struct ring *out)
{
	struct packet_ring *p = of(r), *to = out ? of(out) : NULL;
	unsigned at = 0, refused = RING_BATCH;

	while (to && at < p->n_kept) {
		int n = sendmmsg(to->fd, p->out + at, p->n_kept - at,
				 MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 && refused != at) {
			/* it may have been told of an earlier failure */
			refused = at;
			continue;
		}
		if (n <= 0) {
			/* this one is refused; the next may be taken */
			to->counts.send_failed++;
			ring_refuse(r, p->kept[at]);
			at++;
			continue;
		}
		to->counts.sent += (unsigned)n;
		at += (unsigned)n;
	}
	for (; at < p->n_kept; at++) {
		p->counts.send_failed++;
		ring_refuse(r, p->kept[at]);
	}
	p->n_kept = 0;
}

static bool packet_send(struct ring *r, struct bytes frame)
{
	struct packet_ring *p = of(r);
	struct virtio_net_hdr none = { 0 };
	struct iovec iov[2] = {
		{ &none, sizeof none },
		{ (void *)(uintptr_t)frame.begin, bytes_len(frame) },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (sendmsg(p->fd, &m, MSG_DONTWAIT) < 0) {
		p->counts.send_failed++;
		return false;
	}
	p->counts.sent++;
	return true;
}

static int packet_fd(const struct ring *r)
{
	return ((const struct packet_ring *)r)->fd;
}

static struct ring_counts packet_counts(struct ring *r)
{
	struct packet_ring *p = of(r);
	struct tpacket_stats st;
	socklen_t len = sizeof st;

	/* the kernel counts since the last time it was asked */
	if (getsockopt(p->fd, SOL_PACKET, PACKET_STATISTICS, &st, &len) == 0)
		p->counts.receive_lost += st.tp_drops;
	return p->counts;
}

static void packet_free(struct ring *r)
{
	struct packet_ring *p = of(r);

	close(p->fd);
	(void)munmap(p->memory, (size_t)RING_BATCH * SLOT_BYTES);
	free(p);
}

static const struct ring_ops packet_ops = {
	.recv = packet_recv,
	.frame = packet_frame,
	.keep = packet_keep,
	.flush = packet_flush,
	.send = packet_send,
	.fd = packet_fd,
	.counts = packet_counts,
	.free = packet_free,
};

struct ring *ring_packet_new(int fd)
{
	struct packet_ring *p = calloc(1, sizeof *p);

	if (!p)
		return NULL;
	p->memory = mmap(NULL, (size_t)RING_BATCH * SLOT_BYTES,
			 PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			 -1, 0);
	if (p->memory == MAP_FAILED) {
		free(p);
		return NULL;
	}
	p->ring.ops = &packet_ops;
	p->fd = fd;
	for (unsigned i = 0; i < RING_BATCH; i++) {
		struct slot *s = &p->slots[i];
		uint8_t *frame =
			p->memory + (size_t)i * SLOT_BYTES + FRAME_HEADROOM;

		s->in[0] = (struct iovec){ &s->hdr, sizeof s->hdr };
		s->in[1] = (struct iovec){ frame, FRAME_MAX };
		s->out[0] = s->in[0];
		p->in[i].msg_hdr = (struct msghdr){
			.msg_iov = s->in,
			.msg_iovlen = 2,
			.msg_control = s->control,
		};
		arm_slot(p, i);
	}
	return &p->ring;
}
