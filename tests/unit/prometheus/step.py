def plain(x):
    return {"y": x}


def stream(x):
    yield {"y": x}
