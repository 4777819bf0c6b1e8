// SPDX-License-Identifier: BSL-1.0
/* Two guards of a loop that are released by other threads: `run` ends, and no thread touches the
   loop after its end. BROKEN: the loop does not wait for threads that are in remove_work. */
byte work = 2, leaving = 0;
bool rung = false, destroyed = false;

active [2] proctype releaser() {
  byte left;
  assert(!destroyed);
  leaving++;
  atomic { work--; left = work }
  if
  :: left == 0 -> assert(!destroyed); rung = true  /* the waker */
  :: else
  fi;
  assert(!destroyed);
  leaving--  /* the last touch */
}

active proctype loop() {
  do
  :: work == 0 -> break
  :: work != 0 -> rung; rung = false  /* the wait: it ends only by the waker */
  od;
#ifndef BROKEN
  leaving == 0;
#endif
  destroyed = true
}
