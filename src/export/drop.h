/*
 * Becomes an account without a privilege, for good: no capability, none to be
 * gained, no core files that others could read.
 */
#pragma once

#include "base/err.h"

/*
 * Who is root becomes `user` (NULL: weir-export), and makes and gives it these
 * folders first (a NULL ends them; those that are there stay whose they are). Who
 * is not root stays who it is, without capabilities.
 */
int drop_to(const char *user, const char *const *folders, struct err *reterr);
