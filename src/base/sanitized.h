/*
 * Is this built with a sanitizer? It has handlers of signals of its own, and asks the
 * kernel for more.
 */
#pragma once

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
