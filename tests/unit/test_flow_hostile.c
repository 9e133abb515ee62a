/*
 * Segments meant to put the flow out of step with its ends: what the ends do
 * not believe, the flow must not either, and afterwards the real segments must
 * still be in window. C is the workload and client, S its peer.
 */
#include "segments.h"
#include "test.h"

/* clang-format off */
static const struct scenario scenarios[] = {
	{ "a repeated SYN+ACK cannot acknowledge what was not sent", {
		HANDSHAKE,
		{ 'S', SA, 500, 900000, 0, OUT, ESTD },
		{ 'C', A, 101, 501, 10, OK, ESTD },
		{ 'C', A, 111, 501, 10, OK, ESTD },
	} },
	{ "an ACK before the SYN+ACK does not settle the server's number", {
		{ 'C', S, 100, 0, 0, OK, OPEN },
		{ 'C', A, 101, 77777, 0, OK, OPEN },
		{ 'S', SA, 500, 101, 0, OK, OPEN },
		{ 'C', A, 101, 501, 0, OK, ESTD },
		{ 'S', A, 501, 101, 10, OK, ESTD },
	} },
	{ "a challenge ACK of the server's old connection is no answer", {
		{ 'C', S, 100, 0, 0, OK, OPEN },
		{ 'S', A, 8000000, 9000000, 0, OUT, OPEN },
		{ 'S', SA, 500, 101, 0, OK, OPEN },
		{ 'C', A, 101, 501, 0, OK, ESTD },
		{ 'S', A, 501, 101, 10, OK, ESTD },
	} },
	{ "a FIN slipped in before bytes that follow is none", {
		HANDSHAKE,
		{ 'C', FA, 121, 501, 0, OK, ESTD },
		{ 'C', A, 101, 501, 100, OK, ESTD },
		{ 'S', A, 501, 201, 0, OK, ESTD },
		{ 'C', A, 201, 501, 10, OK, ESTD },
	} },
	{ "nor is one in the middle of what was sent", {
		HANDSHAKE,
		{ 'C', A, 101, 501, 100, OK, ESTD },
		{ 'C', FA, 121, 501, 0, OK, ESTD },
		{ 'S', A, 501, 201, 0, OK, ESTD },
	} },
	{ "a segment without ACK says nothing", {
		HANDSHAKE,
		{ 'C', FU, 101, 0, 10, OUT, ESTD },
	} },
	{ "a RST mid-stream must hit the window as far as it is known", {
		{ 'C', A, 101, 501, 10, OK, OPEN },
		{ 'S', A, 501, 111, 10, OK, ESTD },
		{ 'S', R, 501 + 1000000, 0, 0, OUT, ESTD },
		{ 'S', R, 511, 0, 0, OK, DONE },
	} },
	{ "a RST at the next sequence, behind what was acknowledged", {
		HANDSHAKE,
		{ 'S', A, 501, 101, 1000, OK, ESTD },
		{ 'S', A, 1501, 101, 1000, OK, ESTD },
		{ 'S', R, 2501, 0, 0, OK, DONE },
	} },
	{ "both FINs are not the end while one is not acknowledged", {
		HANDSHAKE,
		{ 'C', FA, 101, 501, 0, OK, ESTD },
		{ 'S', FA, 501, 102, 0, OK, DONE },
		{ 'C', S, 7000, 0, 0, OUT, DONE },
		{ 'C', A, 102, 502, 0, OK, DONE },
		{ 'C', S, 7000, 0, 0, NEW, OPEN },
	} },
	{ "another SYN after the SYN+ACK is challenged", {
		{ 'C', S, 100, 0, 0, OK, OPEN },
		{ 'S', SA, 500, 101, 0, OK, OPEN },
		{ 'C', S, 7000, 0, 0, OUT, OPEN },
		{ 'C', A, 101, 501, 0, OK, ESTD },
	} },
	{ "a SYN cookie that changes with time", {
		{ 'C', S, 100, 0, 0, OK, OPEN },
		{ 'S', SA, 500, 101, 0, OK, OPEN },
		{ 'C', S, 100, 0, 0, AGAIN, OPEN },
		{ 'S', SA, 650000, 101, 0, OK, OPEN },
		{ 'C', A, 101, 650001, 0, OK, ESTD },
		{ 'S', A, 650001, 101, 10, OK, ESTD },
	} },
	{ "missed frames: both ends agree on where they are", {
		HANDSHAKE,
		{ 'S', A, 501, 101, 10, OK, ESTD },
		{ 'C', A, 101, 511 + 5000, 0, OUT, ESTD },
		{ 'S', A, 511 + 5000, 101, 10, OK, ESTD },
		{ 'C', A, 101, 521 + 5000, 0, OK, ESTD },
	} },
	{ "but one of them alone cannot move the other", {
		HANDSHAKE,
		{ 'C', A, 101, 501 + 200000, 0, OUT, ESTD },
		{ 'S', A, 501, 101, 10, OK, ESTD },
		{ 'C', A, 101, 511, 0, OK, ESTD },
	} },
};
/* clang-format on */

static void test_hostile(void **state)
{
	scenarios_play(scenarios, ARRAY_LEN(scenarios));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
