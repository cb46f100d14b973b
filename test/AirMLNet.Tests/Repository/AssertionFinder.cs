using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace AirMLNet.Tests.Repository;

/// <summary>
/// Which test methods contain no assertion, neither themselves nor in the methods of the tests' sources that they call. Calls are
/// followed by name: one without receiver in its own class and its base classes, one on a type of the sources in that type, one on
/// anything else in every type that holds no tests. An assertion about nothing but literals does not count.
/// </summary>
internal sealed class AssertionFinder
{
    private static readonly string[] Assertions = ["Assert", "CollectionAssert", "StringAssert"];

    private readonly ILookup<string, TypeDeclarationSyntax> _types;
    private readonly ILookup<string, MethodDeclarationSyntax> _helpers; // by name, those of types that hold no tests
    private readonly Dictionary<MethodDeclarationSyntax, bool> _asserts = [];

    /// <param name="sources">The text of every source file of the tests.</param>
    public AssertionFinder(IEnumerable<string> sources)
    {
        var types = sources
            .AsParallel()
            .AsOrdered()
            .SelectMany(text => CSharpSyntaxTree.ParseText(text).GetRoot().DescendantNodes().OfType<TypeDeclarationSyntax>())
            .ToList();
        _types = types.ToLookup(type => type.Identifier.ValueText, StringComparer.Ordinal);
        _helpers = types
            .Select(type => Methods(type).ToList())
            .Where(methods => !methods.Any(IsTest))
            .SelectMany(methods => methods)
            .ToLookup(method => method.Identifier.ValueText, StringComparer.Ordinal);
    }

    /// <summary>Test methods in all.</summary>
    public int Tests => TestMethods.Count();

    /// <summary>The test methods without an assertion, as <c>Class.Method</c>.</summary>
    public IReadOnlyList<string> WithoutAssertion() =>
        [.. TestMethods.Where(method => !Asserts(method)).Select(method => $"{Owner(method)}.{method.Identifier.ValueText}")];

    private IEnumerable<MethodDeclarationSyntax> TestMethods => _types.SelectMany(group => group).SelectMany(Methods).Where(IsTest);

    private static IEnumerable<MethodDeclarationSyntax> Methods(TypeDeclarationSyntax type) =>
        type.Members.OfType<MethodDeclarationSyntax>();

    private static bool IsTest(MethodDeclarationSyntax method) =>
        method.AttributeLists.SelectMany(list => list.Attributes).Any(attribute => attribute.Name.ToString() == "TestMethod");

    private static string Owner(SyntaxNode method) => ((TypeDeclarationSyntax)method.Parent!).Identifier.ValueText;

    private bool Asserts(MethodDeclarationSyntax method)
    {
        if (_asserts.TryGetValue(method, out var known))
        {
            return known;
        }

        _asserts[method] = false; // while it is looked at: a method that calls itself gains nothing by that
        var nodes = method.DescendantNodes().ToList();
        return _asserts[method] =
            nodes.OfType<InvocationExpressionSyntax>().Any(call => IsAssertion(call) || Called(call.Expression, method).Any(Asserts))
            // A method that is handed to another one to be called.
            || nodes
                .OfType<ArgumentSyntax>()
                .Any(argument => argument.Expression is IdentifierNameSyntax && Called(argument.Expression, method).Any(Asserts));
    }

    private static bool IsAssertion(InvocationExpressionSyntax call) =>
        call.Expression is MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax owner, Name.Identifier.ValueText: var name }
        && Assertions.Contains(owner.Identifier.ValueText)
        && (name == "Fail" || call.ArgumentList.Arguments.Any(argument => argument.Expression is not LiteralExpressionSyntax));

    private IEnumerable<MethodDeclarationSyntax> Called(ExpressionSyntax callee, MethodDeclarationSyntax caller) =>
        callee switch
        {
            SimpleNameSyntax name => Named(Family(Owner(caller)), name),
            MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax type, Name: var name } when _types.Contains(type.ToString()) =>
                Named(Family(type.ToString()), name),
            // A type that the tests do not declare.
            MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax type } when char.IsUpper(type.ToString()[0]) => [],
            MemberAccessExpressionSyntax { Name: var name } => _helpers[name.Identifier.ValueText],
            _ => [],
        };

    private static IEnumerable<MethodDeclarationSyntax> Named(IEnumerable<TypeDeclarationSyntax> types, SimpleNameSyntax name) =>
        types.SelectMany(Methods).Where(method => method.Identifier.ValueText == name.Identifier.ValueText);

    /// <summary>A type, in all its parts, and what it is derived from.</summary>
    private IEnumerable<TypeDeclarationSyntax> Family(string type) =>
        _types[type]
            .SelectMany(part =>
                (part.BaseList?.Types ?? [])
                    .SelectMany(b => b.Type is SimpleNameSyntax n ? Family(n.Identifier.ValueText) : [])
                    .Prepend(part)
            );
}
