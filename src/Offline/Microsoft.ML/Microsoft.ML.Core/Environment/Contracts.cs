using Microsoft.ML.Data;

namespace Microsoft.ML.Runtime;

/// <summary>Checks and exceptions that carry their context.</summary>
internal static class Contracts
{
    internal const string ThrowingComponentKey = "Throwing component";

    internal static TException Mark<TException>(TException ex, string component)
        where TException : Exception
    {
        if (!ex.Data.Contains(ThrowingComponentKey))
            ex.Data[ThrowingComponentKey] = component;
        return ex;
    }

    private static TException Process<TException>(TException ex, IExceptionContext ctx)
        where TException : Exception => ctx is null ? ex : ctx.Process(ex);

    public static Exception Except(this IExceptionContext ctx, string message, Exception inner = null) =>
        Process(new InvalidOperationException(message, inner), ctx);

    public static Exception ExceptDecode(this IExceptionContext ctx, string message, Exception inner = null) =>
        Process(new FormatException(message, inner), ctx);

    public static Exception ExceptParam(this IExceptionContext ctx, string paramName, string message) =>
        Process(new ArgumentOutOfRangeException(paramName, message), ctx);

    /// <summary>The exception for a column of the wrong type.</summary>
    public static Exception ExceptSchemaMismatch(this IExceptionContext ctx, string paramName, string columnRole, string columnName, string expectedType, string actualType) =>
        Process(
            new ArgumentOutOfRangeException(paramName, $"Schema mismatch for {columnRole} column '{columnName}': expected {expectedType}, got {actualType}"),
            ctx);

    /// <summary>The exception for a column that is not there.</summary>
    public static Exception ExceptSchemaMismatch(this IExceptionContext ctx, string paramName, string columnRole, string columnName) =>
        Process(new ArgumentOutOfRangeException(paramName, $"Could not find {columnRole} column '{columnName}'"), ctx);

    public static void Check(this IExceptionContext ctx, bool condition, string message)
    {
        if (!condition)
            throw ctx.Except(message);
    }

    public static void CheckDecode(this IExceptionContext ctx, bool condition, string message)
    {
        if (!condition)
            throw ctx.ExceptDecode(message);
    }

    public static void CheckValue<T>(this IExceptionContext ctx, T value, string paramName)
        where T : class
    {
        if (value is null)
            throw Process(new ArgumentNullException(paramName), ctx);
    }

    public static void CheckValue<T>(T value, string paramName)
        where T : class => CheckValue(null, value, paramName);

    public static void CheckNonEmpty(this IExceptionContext ctx, string value, string paramName)
    {
        if (string.IsNullOrEmpty(value))
            throw Process(new ArgumentNullException(paramName, $"'{paramName}' must not be null or empty"), ctx);
    }

    public static void CheckParam(this IExceptionContext ctx, bool condition, string paramName, string message)
    {
        if (!condition)
            throw ctx.ExceptParam(paramName, message);
    }

    public static void CheckUserArg(this IExceptionContext ctx, bool condition, string name, string message) =>
        CheckParam(ctx, condition, name, message);

    public static IHostEnvironment CheckEnvironment(IHostEnvironment env, string paramName = "env")
    {
        ArgumentNullException.ThrowIfNull(env, paramName);
        return env;
    }

    /// <summary>Throws where the execution that this environment belongs to was cancelled.</summary>
    /// <exception cref="OperationCanceledException">It was.</exception>
    public static void CheckAlive(this IHostEnvironment env)
    {
        if (env is ICancelable { IsCanceled: true })
            throw Process(new OperationCanceledException("Operation was canceled."), env);
    }

    /// <summary>The column, or an exception that says what is there instead.</summary>
    public static DataViewSchema.Column FindColumn(this IExceptionContext ctx, DataViewSchema schema, string role, string name)
    {
        if (schema.GetColumnOrNull(name) is { } column)
            return column;
        throw Process(
            new ArgumentOutOfRangeException(
                nameof(schema),
                $"Could not find {role} column '{name}'. The columns are: {string.Join(", ", schema.Where(c => !c.IsHidden).Select(c => c.Name))}"),
            ctx);
    }

    /// <summary>The raw type check of a getter.</summary>
    public static void CheckGetterType<TValue>(DataViewSchema.Column column)
    {
        if (column.Type.RawType != typeof(TValue))
        {
            throw new InvalidOperationException(
                $"Invalid TValue: column '{column.Name}' of type {column.Type} has values of type {column.Type.RawType}, but {typeof(TValue)} was asked for");
        }
    }
}
