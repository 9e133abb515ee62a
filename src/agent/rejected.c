#include "agent/rejected.h"

#include <errno.h>
#include <string.h>

#include "base/limits_fleet.h"

/* A key is two words of rules, and a port or an application. */
#define KEY_MAX 1024

/* In which of two orders they came, all come to the same. */
static bool is_later(json_int_t one, json_int_t other)
{
	json_int_t x = one < 0 ? -one : one, y = other < 0 ? -other : other;

	return x != y ? x > y : one > other;
}

bool rejected_has(const json_t *r, const char *key)
{
	return json_integer_value(json_object_get(r, key)) > 0;
}

/* The key that was taken back first; NULL: none was. */
static const char *oldest_undone(const json_t *r)
{
	const char *key, *oldest = NULL;
	json_int_t at = 0;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)r, key, v) {
		json_int_t one = json_integer_value(v);

		if (one < 0 && (!oldest || one > at)) {
			oldest = key;
			at = one;
		}
	}
	return oldest;
}

/* For one more. */
static bool make_room(json_t *r, const char *key)
{
	const char *oldest;

	if (json_object_get(r, key) ||
	    json_object_size(r) < LEARNED_REJECTED_MAX)
		return true;
	oldest = oldest_undone(r);
	return oldest && json_object_del(r, oldest) == 0;
}

int rejected_set(json_t *r, const char *key, bool rejected, uint64_t now,
		 struct err *reterr)
{
	json_int_t at = (json_int_t)now, known;

	known = json_integer_value(json_object_get(r, key));
	known = known < 0 ? -known : known;
	if (at <= known)
		at = known + 1;
	if (!make_room(r, key))
		return err_set(reterr, ENOSPC, NULL,
			       "%d are turned down; more cannot be",
			       LEARNED_REJECTED_MAX);
	if (json_object_set_new(r, key, json_integer(rejected ? at : -at)) < 0)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	return 0;
}

/* Of a clock that is wrong by centuries nothing could be taken back. */
static bool is_time(json_int_t at)
{
	return at && at > -INT64_C(0xffffffffff) && at < INT64_C(0xffffffffff);
}

bool rejected_merge(json_t *r, const json_t *other)
{
	const char *key;
	bool news = false;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)other, key, v) {
		json_int_t at = json_integer_value(v);
		json_t *known = json_object_get(r, key);

		if (!is_time(at) || !key[0] || strlen(key) >= KEY_MAX ||
		    (known && !is_later(at, json_integer_value(known))))
			continue;
		/* what was taken back and forgotten is not worth another's place */
		if (at < 0 && !known &&
		    json_object_size(r) >= LEARNED_REJECTED_MAX)
			continue;
		if (make_room(r, key) &&
		    json_object_set_new(r, key, json_integer(at)) == 0)
			news = true;
	}
	return news;
}
