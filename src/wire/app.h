/*
 * Applications by number and by name (reference 6.1). Numbers below
 * APP_ID_PRODUCTS are base protocols.
 */
#pragma once

#include <stdint.h>

/* "http" for 1001; NULL for a number without a name. Static storage. */
const char *app_name(uint32_t app);
/* 1001 for "http", in any case; 0: no such name. */
uint32_t app_by_name(const char *name);
