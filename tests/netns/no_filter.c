/*
 * weir-dp without its filter of system calls (src/dp/sandbox.c), for valgrind, which
 * has no seccomp(2). Loaded before libseccomp: LD_PRELOAD.
 */
#include <seccomp.h>

scmp_filter_ctx seccomp_init(uint32_t def_action)
{
	static char none;

	return &none;
}

int seccomp_attr_set(scmp_filter_ctx ctx, enum scmp_filter_attr attr,
		     uint32_t value)
{
	return 0;
}

int seccomp_rule_add_array(scmp_filter_ctx ctx, uint32_t action, int call,
			   unsigned arg_cnt,
			   const struct scmp_arg_cmp *arg_array)
{
	return 0;
}

int seccomp_load(void *const ctx)
{
	return 0;
}

void seccomp_release(scmp_filter_ctx ctx)
{
}
