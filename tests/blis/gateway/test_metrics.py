from __future__ import annotations

import asyncio

from prometheus_client.parser import text_string_to_metric_families

from tests.blis.gateway.small import cluster, post, streamed


def test_everything_is_counted_in_the_form_of_prometheus():
    async def run() -> None:
        async with cluster(2) as ((bad, good), _, client):
            bad.fault, bad.times = "500", 1
            for _ in range(3):
                await post(client)
            good.fault = bad.fault = "cut"
            good.times = bad.times = None
            good.itl_s = bad.itl_s = 0.03
            await streamed(client)
            page = (await client.get("/metrics")).text
            found = {
                (sample.name, *sorted(sample.labels.values())): sample.value
                for family in text_string_to_metric_families(page)
                for sample in family.samples
            }
            assert found["blis_gateway_requests_total", "200"] == 3
            assert found["blis_gateway_requests_total", "502"] == 1
            assert found["blis_gateway_retries_total",] == 1
            assert found["blis_gateway_streams_cut_total",] == 1
            assert found["blis_gateway_backend_up", good.url] == 1
            assert found["blis_gateway_first_byte_seconds_count",] == 4
            assert sum(value for name, value in found.items() if name[0] == "blis_gateway_attempts_total") == 5

    asyncio.run(run())
