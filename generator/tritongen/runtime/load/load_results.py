"""What was measured: ``results.json``, and the lines of the live feed.

Times that end in ``_us`` are whole microseconds, in ``_s`` seconds on the clock of the run, which is
0 at the end of the warm-up. A request belongs to the second in which it was *due*.

``results``: 1, the version of this format.
``scenario``: scenario.json as it was read. ``name``, ``protocol``, ``address`` are also here.
``started_at``, ``finished_at``: UTC, ISO 8601 (of the warm-up's begin, of the last answer).
``measured_s``: how much of ``duration_s`` was measured: less than it where ``partial``.
``partial``: null, or why the run ended early: ``interrupted``, ``workers lost``, ``not finished``.
``trustworthy``: false where ``distrust``, a list of ``{"reason", "message"}``, has an entry:

- ``lag``: the program itself was late (99th percentile) by more than ``lag_limit`` of the 99th
  percentile of latency, and by more than 2 ms;
- ``cpu``: a worker used more than 90% of its core;
- ``worker-lost``: what a worker measured after its last message is missing, and so is its load.

``saturated``: the share of the arrivals that were due while all of ``max_in_flight`` requests were
on their way (null for a closed loop): more than a hundredth says that the server was not offered
what was asked.
``generator_lag_us``: a distribution: how late the program woke up, all workers together.
``workers``: ``[{"id", "state": "done" | "lost" | "stopped", "cpu": 0.4, "last_second": 59}]``:
``cpu`` is the mean share of one core; there is one, ``local``, where the program ran alone.
``versions``: of ``program`` (a digest of its modules), ``python``, ``locust``, ``tritonclient``,
``grpcio``, ``gevent``, ``numpy``.
``total`` and, by request name, ``requests`` are figures:

- ``offered``: requests that were due = ``answered`` + ``failed`` + ``unsent`` + ``unfinished``.
  ``unsent``: still waiting for a free one of ``max_in_flight`` when the time was over; ``unfinished``:
  on their way when the run was ended early. ``sent`` are those without ``unsent``;
- ``rate``: answered per second of ``measured_s``; ``rate_ci``: its 95% confidence interval, from ten
  equal parts of the run (null if shorter than 10 s); ``error_rate``: (failed + unsent) / offered;
- ``latency_us``: of answers, from the time the request was *due*. ``service_us``: from the time it
  was really sent. ``lag_us``: what lies between. The first two are the same in a closed loop;
- ``failed_us``: of failures, from the time they were due;
- ``responses``: of streams, with ``first_response_us`` (from due) and ``between_responses_us``;
- ``failures``: ``[{"kind", "code", "message", "count"}]``, most first. ``kind`` is ``timeout``,
  ``connection``, ``http`` (``code`` 400), ``grpc`` (``code`` UNAVAILABLE), ``shape``, ``answer``.

A distribution is null if empty, else ``{"count", "min", "max", "mean", "p50", "p90", "p95", "p99",
"p99.9", "ci": {"p50": [low, high], ...}, "histogram"}``: right to 3 significant digits; ``ci`` are
95% intervals by order statistics (high null where too few were measured to say); ``histogram`` is
HdrHistogram's own text (V2, zlib, base64), merged over all workers.

``seconds``: ``[{"second", "offered", "answered", "failed", "in_flight", "p50_us", "p95_us", "p99_us",
"requests": {name: {"offered", "answered", "failed", "p50_us", "p95_us", "p99_us"}}}]``, warm-up first
(negative); latency from due, null if nothing was answered; ``in_flight`` at the second's end.
``stability``: ``{"stable", "message", "windows": [{"from_s", "to_s", "rate", "p50_us", "p99_us"}]}``:
the measured time in equal parts; ``stable`` is null where the load was meant to change (stages,
burst, trace) or the run was shorter than 5 s, false where the rate or the median of the latency
moves by more than a tenth (and more than the noise between seconds explains) from the first half
to the second.

A line of the live feed is one of ``seconds`` without ``requests``, with ``"progress"`` (0 to 1 of
warm-up and duration) and ``"workers"`` (how many still report). It comes about a second late.
"""
