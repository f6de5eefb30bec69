"The reference: a page for each module, from signatures and the comments beside arguments (docments)."
import ast
import importlib
import inspect
import re

from fastcore.docments import docments


def escaped(text):
    "Plain text as Markdown; what stands between backticks is code already."
    parts = re.split(r"(`[^`]*`)", text or "")
    return "".join(part if place % 2 else re.sub(r"([\\*_<>\[\]$~^|#])", r"\\\1", part) for place, part in enumerate(parts))


def cell(text):
    "Text in one cell of a table."
    return escaped(" ".join((text or "").split())).replace("`|`", "`\\|`")


def code_cell(text):
    "Source in one cell of a table; Markdown wants the bar between types escaped even there."
    return "`" + text.replace("|", r"\|").replace("`", "'") + "`" if text else ""


def described(annotation):
    "(type as written, meaning): the command line keeps its help inside of the annotation."
    if annotation is None: return "", ""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        first, *rest = annotation.slice.elts
        help_texts = [word.value.value for call in rest if isinstance(call, ast.Call) for word in call.keywords if word.arg == "help" and isinstance(word.value, ast.Constant)]
        return ast.unparse(first), " ".join(help_texts)
    return ast.unparse(annotation), ""


def arguments(node):
    "(name, annotation, default) of each argument of a function, as written."
    args = node.args
    plain = [*args.posonlyargs, *args.args]
    defaults = [None] * (len(plain) - len(args.defaults)) + args.defaults
    found = [(arg.arg, arg.annotation, default) for arg, default in zip(plain, defaults)]
    if args.vararg: found.append(("*" + args.vararg.arg, args.vararg.annotation, None))
    found += [(arg.arg, arg.annotation, default) for arg, default in zip(args.kwonlyargs, args.kw_defaults)]
    if args.kwarg: found.append(("**" + args.kwarg.arg, args.kwarg.annotation, None))
    return [argument for argument in found if argument[0] not in ("self", "cls")]


def fields(node):
    "The same of a dataclass."
    return [(line.target.id, line.annotation, line.value) for line in node.body if isinstance(line, ast.AnnAssign)]


def table(rows, returns, comments):
    "Arguments and what comes back; nothing where there is nothing to say."
    lines = []
    for name, annotation, default in rows:
        kind, meaning = described(annotation)
        comment = comments.get(name.lstrip("*")) or meaning
        lines.append(f"| {code_cell(name)} | {code_cell(kind)} | {code_cell(ast.unparse(default) if default else '')} | {cell(comment)} |")
    if returns is not None or comments.get("return"):
        lines.append(f"| returns | {code_cell(described(returns)[0])} | | {cell(comments.get('return'))} |")
    return "\n".join(["| argument | type | default | meaning |", "|---|---|---|---|", *lines]) if lines else ""


def comments_of(thing):
    "Argument → its comment, as fastcore finds it; a class made on the fly has none."
    return {name: comment for name, comment in docments(inspect.unwrap(thing), args_kwargs=True).items() if comment}


def signature(node, rows):
    "What one types: names, and the defaults as written."
    star = [arg.arg for arg in node.args.kwonlyargs[:1]] if isinstance(node, ast.FunctionDef) and not node.args.vararg else []
    words = []
    for name, _, default in rows:
        if name in star: words.append("*")
        words.append(name if default is None else f"{name}={ast.unparse(default)}")
    return f"({', '.join(words)})"


def directive(kind, heading, *parts, depth=3):
    "One object, as Sphinx knows it; its body stands inside."
    fence = "`" * depth
    return "\n".join([f"{fence}{{py:{kind}}} {heading}", "\n\n".join(filter(None, parts)), fence])


def function_entry(node, function, kind="function", depth=3):
    rows = arguments(node)
    return directive(kind, node.name + signature(node, rows), escaped(ast.get_docstring(node)), table(rows, node.returns, comments_of(function)), depth=depth)


def method_entry(node, cls):
    "A public method as it was written in its class."
    value = vars(cls)[node.name]
    if isinstance(value, property): return directive("property", node.name, escaped(ast.get_docstring(node)))
    return function_entry(node, getattr(value, "__func__", value), "method")


def class_entry(node, cls):
    "Its arguments are those of its `__init__`, or its fields."
    written = [line for line in node.body if isinstance(line, ast.FunctionDef)]
    start = next((line for line in written if line.name == "__init__"), None)
    rows = arguments(start) if start else fields(node)
    bases = ", ".join(f"`{ast.unparse(base)}`" for base in node.bases)
    entries = [method_entry(line, cls) for line in written if not line.name.startswith("_")]
    return directive("class", node.name + signature(start or node, rows), escaped(ast.get_docstring(node)), f"A kind of {bases}." if bases else "",
                     table(rows, None, comments_of(cls)), *entries, depth=4)


def assigned(node):
    "The names that a line gives a value."
    return [part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)] if isinstance(node, ast.Assign) else []


def constant_rows(node, module, line):
    "A row for each name that the last line of an assignment explains."
    comment = line.encode()[node.end_col_offset:].decode().partition("#")[2]
    for name in assigned(node):
        value = ast.unparse(node.value) if len(assigned(node)) == 1 else repr(getattr(module, name))
        yield f"| `{name}` | {code_cell(value if len(value) <= 80 else value[:77] + '…')} | {cell(comment)} |"


def module_page(
    name,    # "plmnb.attention"
    chapter, # a link to where it is explained, Markdown
):
    "The page of a module: what it exports, in its order."
    module = importlib.import_module(name)
    source = inspect.getsource(module)
    lines, functions, classes, constants = source.splitlines(), [], [], []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name in module.__all__:
            found, entry = (functions, function_entry) if isinstance(node, ast.FunctionDef) else (classes, class_entry)
            found.append(entry(node, getattr(module, node.name)))
        elif set(assigned(node)) & set(module.__all__): constants += constant_rows(node, module, lines[node.end_lineno - 1])
    if constants: constants = ["\n".join(["| name | value | meaning |", "|---|---|---|", *constants])]
    sections = [f"## {heading}\n\n" + "\n\n".join(entries) for heading, entries in (("Functions", functions), ("Classes", classes), ("Constants", constants)) if entries]
    return "\n\n".join([f"# {name}", f"Explained and tested in {chapter}.", f"```{{py:currentmodule}} {name}\n```", *sections]) + "\n"
