/*
 * What the kernel says on an NFQUEUE's socket: packets, and answers of ours that
 * it refused. The test is the kernel, at the other end of a socket pair.
 */
#include "ring/ring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

#define KERNEL 0
#define OURS   1

struct bench {
	struct ring *ring;
	int queue[2], verdicts[2];
	char buf[512];
};

static int start(void **state)
{
	static struct bench b;

	b = (struct bench){ 0 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, b.queue), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, b.verdicts), 0);
	b.ring = ring_nfq_new(b.queue[OURS], b.verdicts[OURS],
			      (struct mac){ { 2, 0, 0, 0, 0, 1 } });
	assert_non_null(b.ring);
	*state = &b;
	return 0;
}

static int stop(void **state)
{
	struct bench *b = *state;

	ring_free(b->ring);
	close(b->queue[KERNEL]);
	close(b->verdicts[KERNEL]);
	return 0;
}

static struct nlmsghdr *put(char *buf, uint16_t type)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	(void)mnl_nlmsg_put_extra_header(h, sizeof(struct nfgenmsg));
	return h;
}

static void say(struct bench *b, const struct nlmsghdr *h)
{
	assert_int_equal(send(b->queue[KERNEL], h, h->nlmsg_len, 0),
			 h->nlmsg_len);
}

static void say_packet(struct bench *b, uint32_t id)
{
	struct nfqnl_msg_packet_hdr hdr = { .packet_id = htonl(id),
					    .hw_protocol = htons(ETH_P_IP),
					    .hook = NF_INET_LOCAL_IN };
	struct nlmsghdr *h = put(b->buf, NFQNL_MSG_PACKET);
	static const uint8_t payload[20] = { 0x45 };

	mnl_attr_put(h, NFQA_PACKET_HDR, sizeof hdr, &hdr);
	mnl_attr_put(h, NFQA_PAYLOAD, sizeof payload, payload);
	say(b, h);
}

/* cut: bytes of the refused message that are missing. */
static void say_refused(struct bench *b, uint32_t id, uint32_t verdict,
			uint32_t cut)
{
	struct nfqnl_msg_verdict_hdr v = { htonl(verdict), htonl(id) };
	char inner[128] = { 0 };
	struct nlmsghdr *h = put(inner, NFQNL_MSG_VERDICT), *outer;
	int error = -ENOENT;
	char *at;

	mnl_attr_put(h, NFQA_VERDICT_HDR, sizeof v, &v);
	outer = mnl_nlmsg_put_header(b->buf);
	outer->nlmsg_type = NLMSG_ERROR;
	at = mnl_nlmsg_put_extra_header(outer, sizeof error + h->nlmsg_len);
	memcpy(at, &error, sizeof error);
	memcpy(at + sizeof error, h, h->nlmsg_len);
	outer->nlmsg_len -= cut;
	say(b, outer);
}

static void keep_all(struct bench *b, int n)
{
	struct nfq_verdicts v;

	for (int i = 0; i < n; i++)
		ring_keep(b->ring, (unsigned)i);
	(void)ring_flush(b->ring, b->ring);
	assert_int_equal(recv(b->verdicts[KERNEL], &v, sizeof v, 0), sizeof v);
	assert_int_equal(v.n, n);
}

/* Not a frame, so that nobody counts it a second time as a short one. */
static void test_refused(void **state)
{
	struct bench *b = *state;

	say_packet(b, 1);
	say_packet(b, 2);
	assert_int_equal(ring_recv(b->ring), 2);
	keep_all(b, 2);
	assert_int_equal(ring_counts(b->ring).sent, 2);
	say_refused(b, 1, NF_ACCEPT, 0);
	assert_int_equal(ring_recv(b->ring), 0);
	assert_int_equal(ring_counts(b->ring).received, 2);
	assert_int_equal(ring_counts(b->ring).receive_errors, 0);
	assert_int_equal(ring_counts(b->ring).sent, 1);
	assert_int_equal(ring_counts(b->ring).send_failed, 1);
	/* it was to be dropped, and is gone */
	say_refused(b, 3, NF_DROP, 0);
	assert_int_equal(ring_recv(b->ring), 0);
	assert_int_equal(ring_counts(b->ring).sent, 1);
	assert_int_equal(ring_counts(b->ring).send_failed, 1);
}

/* Nobody takes the verdicts: what was to go on is told, and nothing else. */
static void test_nobody_answers(void **state)
{
	struct bench *b = *state;
	const struct ring_refused *refused;

	for (uint32_t id = 1; id <= 3; id++)
		say_packet(b, id);
	assert_int_equal(ring_recv(b->ring), 3);
	ring_keep(b->ring, 0);
	ring_keep(b->ring, 2);
	assert_int_equal(shutdown(b->verdicts[KERNEL], SHUT_RD), 0);
	refused = ring_flush(b->ring, b->ring);
	assert_int_equal(refused->n, 2);
	assert_int_equal(refused->frame[0], 0);
	assert_int_equal(refused->frame[1], 2);
	assert_int_equal(ring_counts(b->ring).sent, 0);
	assert_int_equal(ring_counts(b->ring).send_failed, 2);
	say_packet(b, 4);
	assert_int_equal(ring_recv(b->ring), 1);
	assert_int_equal(ring_flush(b->ring, b->ring)->n, 0);
}

/* Packets behind one keep their own verdicts. */
static void test_among_packets(void **state)
{
	struct bench *b = *state;
	struct nfq_verdicts v;

	say_refused(b, 9, NF_DROP, 0);
	say_packet(b, 1);
	say_refused(b, 10, NF_DROP, 0);
	say_packet(b, 2);
	assert_int_equal(ring_recv(b->ring), 2);
	assert_int_equal(ring_frame(b->ring, 0).wire_len, ETH_HLEN + 20);
	assert_int_equal(ring_frame(b->ring, 1).wire_len, ETH_HLEN + 20);
	ring_keep(b->ring, 1);
	(void)ring_flush(b->ring, b->ring);
	assert_int_equal(recv(b->verdicts[KERNEL], &v, sizeof v, 0), sizeof v);
	assert_int_equal(v.n, 2);
	assert_int_equal(v.list[0].id, 1);
	assert_false(v.list[0].accept);
	assert_int_equal(v.list[1].id, 2);
	assert_true(v.list[1].accept);
}

/* What is neither is an error of the ring, and no frame. */
static void test_nonsense(void **state)
{
	struct bench *b = *state;

	say(b, put(b->buf, NFQNL_MSG_CONFIG));
	say_refused(b, 1, NF_ACCEPT, 40);
	say_refused(b, 1, NF_ACCEPT, 8);
	assert_int_equal(ring_recv(b->ring), 0);
	assert_int_equal(ring_counts(b->ring).received, 0);
	assert_int_equal(ring_counts(b->ring).receive_errors, 2);
	assert_int_equal(ring_counts(b->ring).send_failed, 0);
}

/* As the kernel prints it: net/netfilter/nfnetlink_queue.c, seq_show(). */
static void test_stats(void **state)
{
	static const char text[] =
		"    3   1711     7 2 65531     1     2       99  1\n"
		"    7   1712  8192 2 65531    11    12      999  1\n"
		"   77 none\n";
	struct nfq_stats s = { 1, 2, 3 };
	int fd = memfd_create("queues", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_true(ring_nfq_stats(fd, 7, &s));
	assert_int_equal(s.waiting, 8192);
	assert_int_equal(s.dropped_full, 11);
	assert_int_equal(s.dropped_unsent, 12);
	for (uint16_t absent = 77; absent < 79; absent++) {
		assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
		assert_false(ring_nfq_stats(fd, absent, &s));
		assert_int_equal(s.waiting, 8192);
	}
	close(fd);
	assert_false(ring_nfq_stats(fd, 7, &s));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_refused),	      TEST(test_nobody_answers),
		cmocka_unit_test(test_stats), TEST(test_among_packets),
		TEST(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
