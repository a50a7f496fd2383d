def plain(content, scale=None):
    return {"y": content}
