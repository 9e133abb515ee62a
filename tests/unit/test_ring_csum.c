/*
 * What the ring tells of checksums, by the kernel itself, in a network namespace
 * of our own:
 *
 *   sender, far ── wdc0 ═══ wdc1 ── near
 *
 * Frames are sent into wdc0 and heard by the ring `near`; what that sends on
 * comes back to the ring `far`.
 */
#include "ring/ring.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frames.h"
#include "packet/checksum.h"
#include "test.h"
#include "veth.h"

#define WAIT_MS	     5000
#define WAIT_STEP_MS 10

static const uint8_t cookie_ack[] = { 11, 0, 0, 4 };
static const struct frame_spec tcp = {
	.src = { { 2, 0, 0, 0, 0, 1 } },
	.dst = { { 2, 0, 0, 0, 0, 2 } },
	.saddr = "192.0.2.1",
	.daddr = "192.0.2.2",
	.proto = PROTO_TCP,
	.flags = TCP_ACK,
	.payload_len = 8,
};
static const struct frame_spec sctp = {
	.src = { { 2, 0, 0, 0, 0, 1 } },
	.dst = { { 2, 0, 0, 0, 0, 2 } },
	.saddr = "192.0.2.1",
	.daddr = "192.0.2.2",
	.proto = PROTO_SCTP,
	.payload = cookie_ack,
	.payload_len = sizeof cookie_ack,
};

static const char *lacks; /* what is not there, or NULL */
static struct ring *near, *far;
static int sender = -1;

static int open_sender(void)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET };
	int one = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	ll.sll_ifindex = (int)if_nametoindex("wdc0");
	assert_true(fd >= 0);
	assert_int_equal(
		setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof one),
		0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ll, sizeof ll), 0);
	return fd;
}

static struct ring *open_ring(const char *name)
{
	struct err err;
	struct ring *r;
	int fd = ring_packet_open(name, false, &err);

	assert_true(fd >= 0);
	r = ring_packet_new(fd);
	assert_non_null(r);
	return r;
}

/* Is there an IPv4 packet among those that have come? Forgets them. */
static bool hears(struct ring *r)
{
	bool any = false;
	int n;

	while ((n = ring_recv(r)) > 0)
		for (int i = 0; i < n; i++) {
			struct ring_frame f = ring_frame(r, (unsigned)i);
			struct packet p;

			any |= packet_decode(&p,
					     (struct frame){
						     .bytes = f.bytes,
						     .wire_len = f.wire_len,
					     }) == PACKET_OK &&
			       p.ip_version == 4;
		}
	return any;
}

/* The queue of a new device may not run yet: it drops until it does. */
static void wait_until_running(struct ring *from, struct ring *to)
{
	struct pollfd pfd = { .fd = ring_fd(to), .events = POLLIN };
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &tcp);
	int tries = 0;

	do {
		assert_in_range(tries++, 0, WAIT_MS / WAIT_STEP_MS);
		assert_true(ring_send(from, bytes_of(buf, len)));
		assert_true(poll(&pfd, 1, WAIT_STEP_MS) >= 0);
	} while (!hears(to));
}

static int set_up(void **state)
{
	lacks = veth_lacks();
	if (lacks)
		return 0;
	veth_make("wdc0", "wdc1");
	near = open_ring("wdc1");
	far = open_ring("wdc0");
	sender = open_sender();
	wait_until_running(near, far);
	wait_until_running(far, near);
	return 0;
}

static int tear_down(void **state)
{
	if (lacks)
		return 0;
	ring_free(near);
	ring_free(far);
	close(sender);
	return 0;
}

static void need_namespace(void)
{
	if (!lacks)
		return;
	print_message("# SKIP: %s is refused here\n", lacks);
	skip();
}

static void send_frame(const uint8_t *b, size_t len, struct virtio_net_hdr h)
{
	struct iovec iov[2] = { { &h, sizeof h },
				{ (void *)(uintptr_t)b, len } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	assert_int_equal(sendmsg(sender, &m, 0), sizeof h + len);
}

/* The next frame that is an IP packet; others may be about in a namespace. */
static struct ring_frame receive(struct ring *ring, struct packet *p)
{
	struct pollfd pfd = { .fd = ring_fd(ring), .events = POLLIN };
	struct ring_frame f;
	int n;

	for (;;) {
		assert_int_equal(poll(&pfd, 1, WAIT_MS), 1);
		n = ring_recv(ring);
		assert_in_range(n, 0, 1);
		if (n == 0)
			continue;
		f = ring_frame(ring, 0);
		if (packet_decode(p, (struct frame){ .bytes = f.bytes,
						     .wire_len = f.wire_len,
						     .csum = f.csum }) ==
			    PACKET_OK &&
		    p->ip_version == 4)
			return f;
	}
}

static void set16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static struct virtio_net_hdr needs(size_t start, size_t offset)
{
	return (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					.csum_start = (uint16_t)start,
					.csum_offset = (uint16_t)offset };
}

static void test_filled(void **state)
{
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &tcp);
	struct ring_frame f;
	struct packet p;

	need_namespace();
	send_frame(buf, len, (struct virtio_net_hdr){ 0 });
	f = receive(near, &p);
	assert_int_equal(f.csum.state, FRAME_CSUM_CHECK);
	assert_int_equal(packet_checksums(&p), PACKET_CSUM_OK);
	buf[len - 1] ^= 1;
	send_frame(buf, len, (struct virtio_net_hdr){ 0 });
	(void)receive(near, &p);
	assert_int_equal(packet_checksums(&p), PACKET_CSUM_BAD_L4);
}

static void test_unfilled(void **state)
{
	for (int tagged = 0; tagged < 2; tagged++) {
		struct frame_spec s = tcp;
		uint8_t buf[FRAME_SPEC_MAX];
		size_t len, l4 = tagged ? 38 : 34;
		struct ring_frame f;
		struct packet p;
		uint32_t sum;

		need_namespace();
		s.tags[0] = tagged ? 7 : 0;
		len = frame_make(buf, &s);
		sum = checksum_pseudo(ip_of(s.saddr), ip_of(s.daddr), PROTO_TCP,
				      (uint32_t)(len - l4));
		set16(buf + l4 + 16, (uint16_t)~checksum_fold(sum));
		send_frame(buf, len, needs(l4, 16));
		f = receive(near, &p);
		assert_int_equal(p.vlans, s.tags[0]);
		assert_int_equal(f.csum.state, FRAME_CSUM_UNFILLED);
		assert_int_equal(f.csum.start, l4);
		assert_int_equal(f.csum.offset, 16);
		assert_false(f.csum.segments);
		assert_int_equal(packet_checksums(&p), PACKET_CSUM_OK);
		/* and is still so when it has been sent on */
		ring_keep(near, 0);
		(void)ring_flush(near, near);
		f = receive(far, &p);
		assert_int_equal(f.csum.state, FRAME_CSUM_UNFILLED);
		assert_int_equal(packet_checksums(&p), PACKET_CSUM_OK);
	}
}

/* A liar: filling this in would overwrite the destination port. */
static void test_unfilled_port(void **state)
{
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &tcp);
	struct packet p;

	need_namespace();
	send_frame(buf, len, needs(34, 2));
	(void)receive(near, &p);
	assert_int_equal(packet_checksums(&p), PACKET_CSUM_BAD_L4);
}

static void test_sctp(void **state)
{
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &sctp);
	struct ring_frame f;
	struct packet p;

	need_namespace();
	memset(buf + 34 + 8, 0, 4);
	send_frame(buf, len, needs(34, 8));
	f = receive(near, &p);
	assert_int_equal(f.csum.state, FRAME_CSUM_CHECK);
	assert_int_equal(packet_checksums(&p), PACKET_CSUM_OK);
	ring_keep(near, 0);
	(void)ring_flush(near, near);
	f = receive(far, &p);
	assert_int_equal(f.csum.state, FRAME_CSUM_CHECK);
	assert_int_equal(packet_checksums(&p), PACKET_CSUM_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filled),
		cmocka_unit_test(test_unfilled),
		cmocka_unit_test(test_unfilled_port),
		cmocka_unit_test(test_sctp),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
