/*
 * Limits of response rules, each with its reason and what happens when it is met.
 */
#pragma once

/* Of one policy. Each is compared with each event of its kind. More: E2BIG. */
#define RESPONSES_MAX 256
/* Conditions of one, values of one, bytes of a text, NUL included. Refused. */
#define RESPONSE_CONDITIONS_MAX 16
#define RESPONSE_VALUES_MAX	64
#define RESPONSE_TEXT_MAX	256
/* Actions of one: one of each kind. More: refused. */
#define RESPONSE_ACTIONS_MAX 4
/* A quarantine that ends by itself: 30 days at most. */
#define RESPONSE_FOR_MAX (30u * 86400)
/*
 * So often one rule acts in so many seconds, beside suppressing. More is held
 * back, counted: what one event in a storm does, the next need not do again.
 */
#define RESPONSE_RATE	10
#define RESPONSE_RATE_S 60
/* Actions that wait for the main loop. More are held back, counted. */
#define RESPONSES_WAITING_MAX 256
/* Workloads whose quarantine ends by itself. More: they stay quarantined. */
#define RESPONSES_TIMED_MAX 1024
