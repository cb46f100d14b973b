using System.Collections.Concurrent;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace AirMLNet.Tests.Repository;

/// <summary>
/// Which folder of the sources uses which other one. A folder uses another where its code names a type of it, makes one with
/// <c>new()</c>, or calls one of its extension methods; comments, strings, using directives and members after a dot do not count.
/// </summary>
internal sealed class FolderGraph
{
    /// <summary>Folder → folder → the used types, each with a file that uses it.</summary>
    private readonly SortedDictionary<string, SortedDictionary<string, SortedDictionary<string, string>>> _arrows = new(
        StringComparer.Ordinal
    );

    /// <param name="files">Every source file: its folder, its name and its text.</param>
    public FolderGraph(IEnumerable<(string Folder, string File, string Text)> files)
    {
        var folders = new Dictionary<SyntaxTree, string>();
        foreach (var (folder, file, text) in files)
        {
            folders.Add(CSharpSyntaxTree.ParseText(text, path: file), folder);
            _arrows.TryAdd(folder, new(StringComparer.Ordinal));
        }

        var compilation = Compile(folders.Keys);
        var names = OwnNames(folders.Keys);
        var uses = new ConcurrentBag<(SyntaxTree Tree, INamedTypeSymbol Type)>();
        Parallel.ForEach(
            folders.Keys,
            tree =>
            {
                foreach (var type in UsedTypes(compilation.GetSemanticModel(tree), tree, names).ToHashSet(SymbolEqualityComparer.Default))
                {
                    uses.Add((tree, (INamedTypeSymbol)type!));
                }
            }
        );
        foreach (var (tree, type) in uses.OrderBy(use => use.Tree.FilePath, StringComparer.Ordinal))
        {
            var folder = folders[tree];
            var place = type.DeclaringSyntaxReferences.FirstOrDefault()?.SyntaxTree;
            if (place is not null && folders.TryGetValue(place, out var other) && other != folder)
            {
                if (!_arrows[folder].TryGetValue(other, out var types))
                {
                    _arrows[folder].Add(other, types = new(StringComparer.Ordinal));
                }

                types.TryAdd(type.Name, tree.FilePath);
            }
        }
    }

    /// <summary>The graph as text, a line per folder.</summary>
    public string Draw()
    {
        var text = new StringBuilder();
        foreach (var (folder, others) in _arrows)
        {
            text.Append(folder).Append(" ->");
            text.Append(others.Count == 0 ? "" : " ").AppendJoin(", ", others.Keys).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>
    /// Every group of folders that use each other, each with all arrows inside it; empty where the folders depend downwards only.
    /// </summary>
    public string DescribeCycles()
    {
        var text = new StringBuilder();
        var done = new HashSet<string>(StringComparer.Ordinal);
        foreach (var folder in _arrows.Keys)
        {
            var group = _arrows.Keys.Where(other => other == folder || (Reaches(folder, other) && Reaches(other, folder))).ToArray();
            if (group.Length == 1 || !done.Add(group[0]))
            {
                continue;
            }

            text.Append("These folders use each other: ").AppendJoin(", ", group).Append('\n');
            foreach (var from in group)
            {
                foreach (var (to, types) in _arrows[from].Where(arrow => group.Contains(arrow.Key)))
                {
                    text.Append("  ").Append(from).Append(" -> ").Append(to).Append(": ");
                    text.AppendJoin(", ", types.Select(type => $"{type.Key} (in {Path.GetFileName(type.Value)})")).Append('\n');
                }
            }
        }

        return text.ToString();
    }

    private bool Reaches(string from, string to)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<string>([from]);
        while (open.TryPop(out var folder))
        {
            foreach (var next in _arrows[folder].Keys)
            {
                if (next == to)
                {
                    return true;
                }

                if (seen.Add(next))
                {
                    open.Push(next);
                }
            }
        }

        return false;
    }

    private static IEnumerable<INamedTypeSymbol> UsedTypes(SemanticModel model, SyntaxTree tree, HashSet<string> names)
    {
        foreach (var node in tree.GetRoot().DescendantNodes(n => n is not UsingDirectiveSyntax { StaticKeyword.RawKind: 0, Alias: null }))
        {
            // To find what a name means is slow: only names that the sources themselves give are looked up.
            if (
                node is not ImplicitObjectCreationExpressionSyntax
                && !(node is SimpleNameSyntax { Identifier.ValueText: var name } && names.Contains(name))
            )
            {
                continue;
            }

            var info = model.GetSymbolInfo(node);
            var type = (info.Symbol ?? info.CandidateSymbols.FirstOrDefault()) switch
            {
                INamedTypeSymbol named => named,
                IMethodSymbol { MethodKind: MethodKind.Constructor } constructor => constructor.ContainingType,
                IMethodSymbol { MethodKind: MethodKind.ReducedExtension } extension => extension.ContainingType,
                // A member that stands alone may come from a `using static`.
                { IsStatic: true } member when node.Parent is not MemberAccessExpressionSyntax access || access.Expression == node =>
                    member.ContainingType,
                _ => null,
            };
            while (type?.ContainingType is { } outer)
            {
                type = outer;
            }

            if (type is not null)
            {
                yield return type.OriginalDefinition;
            }
        }
    }

    /// <summary>The names of all types, of extension methods, and of the static members of classes that a `using static` imports.</summary>
    private static HashSet<string> OwnNames(IReadOnlyCollection<SyntaxTree> trees)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var imported = trees
            .SelectMany(tree => tree.GetCompilationUnitRoot().Usings)
            .Where(directive => directive.StaticKeyword.RawKind != 0)
            .Select(directive => directive.Name!.ToString().Split('.')[^1])
            .ToHashSet(StringComparer.Ordinal);
        foreach (var declaration in trees.SelectMany(tree => tree.GetRoot().DescendantNodes()).OfType<MemberDeclarationSyntax>())
        {
            switch (declaration)
            {
                case BaseTypeDeclarationSyntax type:
                    names.Add(type.Identifier.ValueText);
                    names.Add(type.Identifier.ValueText.Replace("Attribute", "", StringComparison.Ordinal));
                    break;
                case DelegateDeclarationSyntax type:
                    names.Add(type.Identifier.ValueText);
                    break;
                case MethodDeclarationSyntax { ParameterList.Parameters: [{ Modifiers: var modifiers }, ..] } method
                    when modifiers.Any(SyntaxKind.ThisKeyword):
                    names.Add(method.Identifier.ValueText);
                    break;
            }

            if (declaration.Parent is TypeDeclarationSyntax parent && imported.Contains(parent.Identifier.ValueText))
            {
                names.UnionWith(
                    declaration switch
                    {
                        MethodDeclarationSyntax method => [method.Identifier.ValueText],
                        PropertyDeclarationSyntax property => [property.Identifier.ValueText],
                        BaseFieldDeclarationSyntax field => field.Declaration.Variables.Select(v => v.Identifier.ValueText),
                        _ => [],
                    }
                );
            }
        }

        return names;
    }

    private static CSharpCompilation Compile(IEnumerable<SyntaxTree> trees)
    {
        string[] own = ["AirMLNet", "airml", "small-models"];
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
            .Split(Path.PathSeparator)
            .Where(path => !own.Any(name => Path.GetFileName(path).StartsWith(name, StringComparison.Ordinal)))
            .Select(path => MetadataReference.CreateFromFile(path));
        // What the project files import everywhere.
        string[] imported = ["", ".IO", ".Linq", ".Collections.Generic", ".Net.Http", ".Threading", ".Threading.Tasks"];
        var usings = CSharpSyntaxTree.ParseText(string.Concat(imported.Select(name => $"global using System{name};\n")));
        return CSharpCompilation.Create(
            "sources",
            [.. trees, usings],
            references,
            new(OutputKind.ConsoleApplication, allowUnsafe: true, nullableContextOptions: NullableContextOptions.Enable)
        );
    }
}
